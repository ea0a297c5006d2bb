// CatalogueEntries+Shares: whose share of the store is used up, what bounds each single thing, and what it is in Vietnamese.

extension CatalogueEntries {
    static let shares: [Pair] = [
        (
            "the share of % is used up: no resources for it until some have gone on",
            "phần kho của %1 đã hết: hết tài nguyên cho nó đến khi bớt đi một số"
        ),
        ("sender %", "cơ quan gửi %1"),
        ("records of peer %", "bản ghi báo cáo của nút kề %1"),
        ("bytes of records of peer %", "byte bản ghi báo cáo của nút kề %1"),
        ("no octet has come for %", "không có byte nào đến trong %t1"),
        ("bytes of a header, beside recipients and path", "byte phần đầu, không kể nơi nhận và đường đi"),
        ("bytes of one record", "byte của một bản ghi báo cáo"),
        ("lifetime of a record of others", "thời hạn của bản ghi báo cáo từ nút khác"),
        ("it ends here", "kết thúc ở đây"),
        (
            "time without an octet of what is half-received",
            "thời gian không có byte nào của gói nhận dở"
        ),
        ("what was promised to it is taken back", "phần chỗ đã hứa cho nó bị thu lại"),
        ("copies of one envelope", "bản của một gói tin"),
        ("recipients of all copies of one envelope", "nơi nhận của mọi bản của một gói tin"),
    ]
}
