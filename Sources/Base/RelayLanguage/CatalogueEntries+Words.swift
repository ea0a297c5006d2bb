// CatalogueEntries+Words: traces and single words by template, and what they are in Vietnamese.

extension CatalogueEntries {
    /// What is not known of a way.
    static let traces: [Pair] = [
        ("the agency has not taken it yet, as far as is known here", "theo những gì biết ở đây, cơ quan chưa lấy"),
        (
            "its row is gone from this node, and no report has come",
            "bản ghi không còn ở nút này, và chưa có báo cáo nào"
        ),
        ("taken by %; no report has come since", "%1 đã nhận; từ đó chưa có báo cáo"),
        ("taken by %; only % hears of its end", "%1 đã nhận; chỉ %2 được báo kết cục"),
        ("it is still here; edocctl show says why", "còn ở đây; edocctl show cho biết lý do"),
        ("in the agency's inbox here, not taken yet", "trong hộp văn bản đến ở đây, chưa được lấy"),
    ]

    /// Reasons and states.
    static let words: [Pair] = [
        ("no additional information", "không có thông tin thêm"),
        ("lifetime expired", "hết thời hạn"),
        ("forwarded over unidirectional link", "chuyển qua liên kết một chiều"),
        ("depleted storage", "hết chỗ lưu"),
        ("destination unavailable", "nơi nhận không sẵn sàng"),
        ("no known route", "không có tuyến"),
        ("no timely contact", "không liên lạc kịp"),
        ("block unintelligible", "không hiểu khối dữ liệu"),
        ("hop limit exceeded", "quá số chặng"),
        ("traffic pared", "bớt lưu lượng"),
        ("block unsupported", "không hỗ trợ khối dữ liệu"),
        ("unknown agency", "cơ quan không có trong danh bạ"),
        ("not authorised", "không có thẩm quyền"),
        ("loop", "vòng lặp"),
        ("refused by every next hop", "mọi nút kế tiếp đều từ chối"),
        ("digest mismatch", "mã băm không khớp"),
        ("waiting", "chờ gửi"),
        ("active", "đang gửi"),
        ("deferred", "hoãn"),
        ("held", "tạm giữ"),
        ("corrupt", "hỏng"),
        ("arrived", "đã đến"),
        ("delivered", "đã giao"),
        ("refused", "bị từ chối"),
        ("expired", "hết hạn"),
        ("deleted", "đã xóa"),
        ("incoming", "đang nhận"),
        ("expired by %: %", "%1 cho hết hạn: %=2"),
        ("deleted by %: %", "%1 đã xóa: %=2"),
        ("resubmitted by % as %", "%1 đã gửi lại thành %2"),
        ("held: the store was restored from a copy", "giữ lại: kho được khôi phục từ bản sao"),
        (
            "deleted by an operator; the job cannot be read any more",
            "người vận hành đã xóa; không còn đọc được công việc"
        ),
    ]
}
