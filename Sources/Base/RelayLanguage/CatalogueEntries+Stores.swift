// CatalogueEntries+Stores: what keeps a store from being opened, read, copied or brought back, by template, and what it is in Vietnamese.

extension CatalogueEntries {
    static let storeTroubles: [Pair] = opening + copying + records

    private static let opening: [Pair] = [
        (
            "the store's free pages do not lie together as this document needs them; try again later",
            "các trang trống của kho không liền nhau đủ cho văn bản này; hãy thử lại sau"
        ),
        (
            "process % reads the store from outside: % bytes that are free cannot be used until it ends",
            "tiến trình %1 đang đọc kho từ bên ngoài: %2 byte trống chưa dùng được cho đến khi nó kết thúc"
        ),
        ("The store in % cannot be opened.", "Không mở được kho ở %1."),
        ("The store in % is in use by another daemon.", "Kho ở %1 đang do dịch vụ edocd khác sử dụng."),
        ("The store in % has a damaged record of its schema.", "Kho ở %1 có bản ghi cấu trúc bị hỏng."),
        ("% has a damaged record of its schema.", "%1 có bản ghi cấu trúc bị hỏng."),
        ("% has a damaged record of its node.", "%1 có bản ghi tên nút bị hỏng."),
        ("The store in % has a damaged record of its node.", "Kho ở %1 có bản ghi tên nút bị hỏng."),
        (
            "% has schema %; this program knows schemas up to %. Install the version of the program that wrote it, or a newer one.",
            "%1 có cấu trúc phiên bản %2; chương trình này chỉ biết đến phiên bản %3. Hãy cài phiên bản chương trình đã ghi nó, hoặc mới hơn."
        ),
        (
            "The store in % has schema %; this program knows schemas up to %. Install the version of the program that wrote it, or a newer one.",
            "Kho ở %1 có cấu trúc phiên bản %2; chương trình này chỉ biết đến phiên bản %3. Hãy cài phiên bản chương trình đã ghi nó, hoặc mới hơn."
        ),
        ("% belongs to node %; this node is %.", "%1 thuộc nút %2; nút này là %3."),
        ("The store in % belongs to node %; this node is %.", "Kho ở %1 thuộc nút %2; nút này là %3."),
        ("The store in % says that its node is %.", "Kho ở %1 ghi tên nút là %2."),
        ("The store in % names nodes that cannot be: %", "Kho ở %1 ghi những tên nút không thể có: %2"),
        ("the store cannot be opened for writing: %", "không mở được kho để ghi: %1"),
        ("% failed: % (%).", "%1 không thành: %2 (%3)."),
        (
            "A commit failed and it is not known what is on disk. %",
            "Một lần ghi không thành và không rõ trên đĩa có gì. %1"
        ),
        ("The store has no room: %", "Kho hết chỗ: %1"),
        ("The store cannot begin a transaction. %", "Kho không bắt đầu được giao dịch. %1"),
        ("The store cannot go on. %", "Kho không làm tiếp được. %1"),
        ("The store cannot be read: %", "Không đọc được kho: %1"),
    ]

    private static let copying: [Pair] = [
        ("no file can be made in %: %", "không tạo được tệp trong %1: %2"),
        (
            "the copy takes about %, in which the store may free % bytes that it cannot use again, and gives up below a floor of %; the head room is %: try again when the store is quieter or emptier, or with a higher rate",
            "sao lưu mất khoảng %t1, trong lúc đó kho có thể giải phóng %2 byte mà chưa dùng lại được, và sẽ bỏ dở khi chỗ trống xuống dưới mức %3; chỗ trống hiện là %4: hãy thử lại khi kho vắng hơn hoặc trống hơn, hoặc với tốc độ cao hơn"
        ),
        (
            "the copy needs about % bytes and leaves % to the store; the disk of % has %: name another folder",
            "bản sao cần khoảng %1 byte và chừa lại %2 cho kho; đĩa của %3 còn %4: hãy chọn thư mục khác"
        ),
        (
            "the head room fell to % bytes, below the floor of %; the store comes first",
            "chỗ trống xuống còn %1 byte, dưới mức %2; kho được ưu tiên"
        ),
        ("it was cancelled", "đã bị dừng"),
        ("The store cannot be copied: %", "Không sao lưu được kho: %1"),
        ("The copy is not of this node.", "Bản sao không phải của nút này."),
        (
            "The copy is not sound and was removed: %",
            "Bản sao không nguyên vẹn và đã bị xóa: %1"
        ),
        ("The copy was given up: %.", "Sao lưu bị bỏ dở: %1."),
        (
            "% is there already; a copy never takes the place of a file. Name another.",
            "%1 đã có; bản sao không bao giờ thay chỗ một tệp. Hãy chọn tên khác."
        ),
        (
            "% has come to be meanwhile; the copy was removed. Name another.",
            "%1 vừa xuất hiện trong lúc sao lưu; bản sao đã bị xóa. Hãy chọn tên khác."
        ),
        (
            "The copy in % cannot be marked as restored; is the disk full?",
            "Không đánh dấu được bản sao ở %1 là đã khôi phục; đĩa đã đầy chăng?"
        ),
    ]

    private static let records: [Pair] = [
        ("a record of table % does not check, key %", "một bản ghi của bảng %1 không khớp mã kiểm tra, khóa %2"),
        ("chunk % of extent %", "đoạn %1 của vùng %2"),
        ("chunk % of extent %, which is damaged", "đoạn %1 của vùng %2, đã hỏng"),
        ("the piece at %", "mảnh ở %1"),
        ("its payload cannot be read back from the store", "không đọc lại được nội dung của nó từ kho"),
        ("unreadable record set aside: table %, key %", "bản ghi không đọc được, đã để riêng: bảng %1, khóa %2"),
        ("(the mark could not be read)", "(không đọc được dấu khôi phục)"),
        ("the entry is missing", "thiếu mục này"), ("the entry cannot be read", "không đọc được mục này"),
        ("the entry is that of another place, %", "mục này là của vị trí khác, %1"),
        (
            "the entry does not follow from the one before it",
            "mục này không nối tiếp mục đứng trước"
        ),
        ("the entry was changed after it was made", "mục này đã bị sửa sau khi ghi"),
    ]
}
