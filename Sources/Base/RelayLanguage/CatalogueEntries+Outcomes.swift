// CatalogueEntries+Outcomes: findings, and what became of documents that were handed in here, by template, and what it is in Vietnamese.

extension CatalogueEntries {
    static let outcomeSentences: [Pair] = findings

    private static let findings: [Pair] = [
        (
            "documents handed in here are late (%): %; edocctl outcomes",
            "văn bản nộp tại đây bị chậm (%1): %2; edocctl outcomes"
        ),
        (
            "documents handed in here have ended as % (%): %; edocctl outcomes",
            "văn bản nộp tại đây đã kết thúc là %w1 (%2): %3; edocctl outcomes"
        ),
        (
            "the cursor is not one that this node gave to this user",
            "cursor này không phải do nút này cấp cho người dùng này"
        ),
        ("wait is a span such as 30s, at most 1m", "wait là khoảng thời gian như 30s, tối đa 1m"),
        ("outcome must be one of %", "outcome phải là một trong %=1"),
        ("the body is not an acknowledgement of outcomes", "nội dung không phải là xác nhận kết quả"),
        ("% is not a cause; edocctl outcomes names them", "%1 không phải nguyên nhân; edocctl outcomes liệt kê chúng"),
        ("an acknowledgement of outcomes needs a reason", "xác nhận kết quả cần nêu lý do"),
        ("all that were open", "tất cả những gì đang mở"),
        ("% envelopes", "%n1 gói tin"),
        ("outcomes ack", "xác nhận kết quả"),
        ("% is a list of numbers", "%1 là danh sách số"),
        ("% is two numbers such as 600,3600", "%1 là hai số như 600,3600"),
        ("% is seconds by urgency such as 0=14400,3=900", "%1 là số giây theo độ khẩn như 0=14400,3=900"),
        ("% down for %: %", "mất liên kết với %n1 đã %t2: %3"),
        ("% down for %", "mất liên kết với %n1 đã %t2"),
        ("urgency % has waited for %", "văn bản độ khẩn %n1 đã chờ %t2"),
        (
            "the oldest in an inbox or on its way into a spool has waited for %",
            "văn bản lâu nhất trong hộp văn bản đến hoặc đang bàn giao vào thư mục đã chờ %t1"
        ),
        ("% % of the store's room is left", "kho còn %n1 %n2 chỗ trống"),
        (
            "the certificate of an authority in tls.ca ends on %",
            "chứng thư của một cơ quan cấp trong tls.ca hết hạn ngày %1"
        ),
        ("the certificate of % ends on %", "chứng thư của %n1 hết hạn ngày %2"),
        ("a revocation list is out of date since %", "danh sách thu hồi đã quá hạn cập nhật từ ngày %1"),
        ("a document handed in here is late at %: %", "văn bản nộp tại đây bị chậm tại %n1: %2"),
        ("a document handed in here has ended as % at %: %", "văn bản nộp tại đây đã kết thúc là %w1 tại %n2: %3"),
        (
            "further documents handed in here have ended badly or are late: %; edocctl outcomes",
            "thêm văn bản nộp tại đây kết thúc xấu hoặc bị chậm: %n1; edocctl outcomes"
        ),
        ("at most % envelopes can be named at once", "mỗi lần nêu tối đa %1 gói tin"),
        ("--cause %", "--cause %=1"), ("--from %", "--from %=1"), ("--to %", "--to %=1"),
    ]
}
