// CatalogueEntries+Machine: the sentences about ports, files and credentials of this machine, by template, and what they are in Vietnamese.

extension CatalogueEntries {
    /// What the machine keeps from the node.
    static let machine: [Pair] = [
        (
            "no figures are served: metrics.listen % cannot be opened: %",
            "không cung cấp số đo: không mở được metrics.listen %1: %2"
        ),
        (
            "tls.key comes as the systemd credential % at start; it cannot be looked at from here",
            "tls.key là thông tin xác thực %1 của systemd, được trao lúc khởi động; từ đây không xem được"
        ),
        (
            "certificate % is revoked by %: whoever reads that list refuses this node",
            "chứng thư %1 đã bị thu hồi theo %2: ai đọc danh sách ấy sẽ từ chối nút này"
        ),
        (
            "%, and % more like it that were not written",
            "%1, và %2 dòng tương tự không được ghi"
        ),
        (
            "% log entries could not be written and are missing here",
            "%1 dòng nhật ký không ghi được và thiếu ở chỗ này"
        ),
        ("no daemon answers", "không có dịch vụ edocd nào trả lời"), ("not permitted", "không được phép"),
        ("no answer in time", "không trả lời kịp"),
        ("% cannot be read by this user", "người dùng này không đọc được %1"),
        ("Address already in use", "địa chỉ đang có chương trình khác dùng"),
        ("Cannot assign requested address", "địa chỉ không thuộc máy này"),
    ]
}
