// CatalogueEntries+Stores: what keeps a store from being opened, read, copied or brought back, by template, and what it is in Vietnamese.

extension CatalogueEntries {
    static let storeTroubles: [Pair] = opening + copying + copyFolders + records + inPieces

    private static let opening: [Pair] =
        [
            ("The store in % cannot be opened.", "Không mở được kho ở %1."),
            ("The store in % is in use by another daemon.", "Kho ở %1 đang do dịch vụ edocd khác sử dụng."),
            ("The store in % has a damaged record of its schema.", "Kho ở %1 có bản ghi cấu trúc bị hỏng."),
            ("% has a damaged record of its schema.", "%1 có bản ghi cấu trúc bị hỏng."),
            ("% has a damaged record of its node.", "%1 có bản ghi tên nút bị hỏng."),
            ("The store in % has a damaged record of its node.", "Kho ở %1 có bản ghi tên nút bị hỏng."),
            (
                "% has schema %; this program knows schemas up to %. Install the version of the program that wrote it, or take back a backup that was made before it ran: edocctl restore FILE --force.",
                "%1 có cấu trúc phiên bản %2; chương trình này chỉ biết đến phiên bản %3. Hãy cài phiên bản chương trình đã ghi nó, hoặc lấy lại bản sao lưu làm trước khi chương trình đó chạy: edocctl restore TỆP --force."
            ),
            (
                "% has schema %; this program knows schemas up to %. Install the version of the program that wrote it, or take back a backup that was made before it ran; the last one in its operator log is %.",
                "%1 có cấu trúc phiên bản %2; chương trình này chỉ biết đến phiên bản %3. Hãy cài phiên bản chương trình đã ghi nó, hoặc lấy lại bản sao lưu làm trước khi chương trình đó chạy; bản cuối cùng trong nhật ký thao tác là %4."
            ),
            (
                "The store in % has schema %; this program knows schemas up to %. Install the version of the program that wrote it, or take back a backup that was made before it ran: edocctl restore FILE --force.",
                "Kho ở %1 có cấu trúc phiên bản %2; chương trình này chỉ biết đến phiên bản %3. Hãy cài phiên bản chương trình đã ghi nó, hoặc lấy lại bản sao lưu làm trước khi chương trình đó chạy: edocctl restore TỆP --force."
            ),
            (
                "The store in % has schema %; this program knows schemas up to %. Install the version of the program that wrote it, or take back a backup that was made before it ran; the last one in its operator log is %.",
                "Kho ở %1 có cấu trúc phiên bản %2; chương trình này chỉ biết đến phiên bản %3. Hãy cài phiên bản chương trình đã ghi nó, hoặc lấy lại bản sao lưu làm trước khi chương trình đó chạy; bản cuối cùng trong nhật ký thao tác là %4."
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
            (
                "The store in % has stopped % times running, the last time because: % edocctl --store asks it; edocctl salvage brings what can be read into a new store; to try once more, remove %.",
                "Kho ở %1 đã dừng %2 lần liên tiếp, lần cuối vì: %3 edocctl --store hỏi kho; edocctl salvage đưa những gì còn đọc được vào một kho mới; để thử lại lần nữa, hãy xóa %4."
            ),
            (
                "% is there: a salvage was cut off. Remove it, and begin again.",
                "Đã có %1: một lần cứu dữ liệu bị dừng giữa chừng. Hãy xóa nó rồi làm lại."
            ),
            ("the program ended by a fault, signal %.", "chương trình kết thúc vì lỗi, tín hiệu %n1."),
            ("the program ended by a fault, signal %: %.", "chương trình kết thúc vì lỗi, tín hiệu %n1: %2."),
            (
                "the program ended by a fault, signal %, with envelope % in hand.",
                "chương trình kết thúc vì lỗi, tín hiệu %n1, khi đang xử lý gói tin %n2."
            ),
            (
                "the program ended by a fault, signal %, with envelope % in hand: %.",
                "chương trình kết thúc vì lỗi, tín hiệu %n1, khi đang xử lý gói tin %n2: %3."
            ),
            (
                "There is no store in %, and there was one. Is its disk mounted? Bring the store back, or a backup by edocctl restore; edocd --create-store begins with an empty one.",
                "Không có kho ở %1, mà trước đây đã có. Đĩa của kho đã được gắn chưa? Hãy đưa kho trở lại, hoặc lấy bản sao lưu bằng edocctl restore; edocd --create-store bắt đầu với kho trống."
            ),
            (
                "There is no store in %. edocd --create-store begins with an empty one.",
                "Không có kho ở %1. edocd --create-store bắt đầu với kho trống."
            ),
            (
                "unreadable, and set aside: %; edocctl queue list --state corrupt",
                "không đọc được, đã để riêng: %1; edocctl queue list --state corrupt"
            ),
            (
                "the store was not in order when it was verified last, and was mended; edocctl verify says what was found",
                "kho không đúng trong lần soát gần nhất và đã được sửa; edocctl verify cho biết đã thấy gì"
            ),
            ("the store is being verified already", "kho đang được soát rồi"),
            ("rate is a number of octets a second, 65536 at least", "rate là số byte mỗi giây, ít nhất 65536"),
            ("The store in % cannot be used: %", "Kho ở %1 không dùng được: %2"),
            (
                "% does not say any more whose store it is; name the node with --node, as dtn://NAME/.",
                "%1 không còn ghi kho này của nút nào; hãy nêu nút bằng --node, dạng dtn://TÊN/."
            ),
            ("The new file cannot be written; is the disk full?", "Không ghi được tệp mới; đĩa đã đầy chăng?"),
            (
                "The store in % is damaged: %. Nothing has been changed. edocctl salvage brings what can be read into a new store; edocctl restore takes back a backup.",
                "Kho ở %1 bị hỏng: %2. Chưa có gì bị thay đổi. edocctl salvage đưa những gì còn đọc được vào một kho mới; edocctl restore lấy lại bản sao lưu."
            ),
            (
                "% is damaged: %. edocctl salvage brings what can be read into a new store.",
                "%1 bị hỏng: %2. edocctl salvage đưa những gì còn đọc được vào một kho mới."
            ),
        ] + faults

    /// What is wrong with the pages of a data file.
    private static let faults: [Pair] = [
        ("page %: %", "trang %1: %2"),
        ("its table of tables is not of a store", "bảng các bảng của nó không phải của một kho"),
        ("one of its two heads cannot be read", "một trong hai trang đầu không đọc được"),
        ("its two heads do not follow one another (%, %)", "hai trang đầu không nối tiếp nhau (%1, %2)"),
        ("a head says sizes that cannot be", "một trang đầu ghi kích thước không thể có"),
        (
            "it is cut off: its pages take % bytes, and it has %",
            "tệp bị cắt cụt: các trang cần %1 byte, tệp chỉ có %2"
        ),
        ("% has a depth that cannot be", "%1 có độ sâu không thể có"),
        (
            "% has other numbers of pages and rows than its record says",
            "số trang và số hàng của %1 khác với bản ghi của nó"
        ),
        ("% has marks that no table of this program has", "%1 có dấu mà không bảng nào của chương trình này có"),
        ("a page of % is used twice or is not in the file", "một trang của %1 bị dùng hai lần hoặc không có trong tệp"),
        ("a page of % cannot be read", "không đọc được một trang của %1"),
        ("a page of %: %", "một trang của %1: %2"),
        ("a page of % is empty", "một trang của %1 bị trống"),
        ("a key of % has no length", "một khóa của %1 không có độ dài"),
        ("a row of % has the wrong marks", "một hàng của %1 mang dấu sai"),
        ("a value of % has pages that cannot be", "một giá trị của %1 có những trang không thể có"),
        ("a value of % cannot be read", "không đọc được một giá trị của %1"),
        (
            "a table is missing, and there is one of an unknown name",
            "thiếu một bảng, và có một bảng mang tên không biết"
        ),
        ("the names of the tables are out of order", "tên các bảng không đúng thứ tự"),
        ("table %", "bảng %1"), ("the table of tables", "bảng các bảng"),
        ("its list of free pages has a depth that cannot be", "danh sách trang trống có độ sâu không thể có"),
        ("its list of free pages has more pages than the file", "danh sách trang trống có nhiều trang hơn tệp"),
        ("its list of free pages cannot be read", "không đọc được danh sách trang trống"),
        ("its list of free pages has a length that cannot be", "danh sách trang trống có độ dài không thể có"),
        (
            "its list of free pages has page %, which is in use or is none",
            "danh sách trang trống có trang %1, trang đó đang dùng hoặc không tồn tại"
        ),
        (
            "a page of its list of free pages is used twice or is not in the file",
            "một trang của danh sách trang trống bị dùng hai lần hoặc không có trong tệp"
        ),
        ("a page of its list of free pages: %", "một trang của danh sách trang trống: %1"),
        ("its list of free pages is out of order", "danh sách trang trống không đúng thứ tự"),
        ("its list of free pages has pages that cannot be", "danh sách trang trống có những trang không thể có"),
        ("it says that it is page %", "trang tự ghi là trang %1"), ("it is not a leaf", "trang không phải lá"),
        ("it is not a branch", "trang không phải nhánh"), ("its bounds cannot be", "giới hạn của trang không thể có"),
        ("a row lies outside of it", "một hàng nằm ngoài trang"),
        ("a row has unknown marks", "một hàng mang dấu không biết"),
        ("a row goes beyond its end", "một hàng vượt quá cuối trang"),
        ("the lengths of its rows do not add up", "độ dài các hàng không khớp"),
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

    private static let copyFolders: [Pair] = [
        (
            "%; edocctl backup without a path writes to %",
            "%1; edocctl backup không kèm đường dẫn sẽ ghi vào %2"
        ),
        (
            "no copy can be made in %: the daemon's unit hides that folder from it (PrivateTmp=, ProtectHome=)",
            "không sao lưu được vào %1: đơn vị systemd che thư mục đó khỏi dịch vụ edocd (PrivateTmp=, ProtectHome=)"
        ),
        (
            "no copy can be made in %: there is no such folder; root makes it: install -d -o % -m 0700 %",
            "không sao lưu được vào %1: không có thư mục này; root tạo bằng lệnh: install -d -o %2 -m 0700 %3"
        ),
        ("no copy can be made in %: it is not a folder", "không sao lưu được vào %1: đó không phải là thư mục"),
        (
            "no copy can be made in %: user %, as whom the daemon runs, may not write there (chown % %), and its unit keeps it from there (systemctl edit edocd: [Service] ReadWritePaths=%; systemctl restart edocd)",
            "không sao lưu được vào %1: %2, người dùng chạy dịch vụ edocd, không được ghi vào đó (chown %3 %4), và đơn vị systemd cũng không cho ghi (systemctl edit edocd: [Service] ReadWritePaths=%5; systemctl restart edocd)"
        ),
        (
            "no copy can be made in %: user %, as whom the daemon runs, may not write there: chown % %, and let it enter what is above",
            "không sao lưu được vào %1: %2, người dùng chạy dịch vụ edocd, không được ghi vào đó: chown %3 %4, và cho phép vào các thư mục cấp trên"
        ),
        (
            "no copy can be made in %: the daemon's unit keeps it from there, or the disk is read-only (systemctl edit edocd: [Service] ReadWritePaths=%; systemctl restart edocd)",
            "không sao lưu được vào %1: đơn vị systemd không cho dịch vụ edocd ghi vào đó, hoặc đĩa chỉ đọc (systemctl edit edocd: [Service] ReadWritePaths=%2; systemctl restart edocd)"
        ),
        (
            "backup.directory is empty, so a copy needs a path",
            "backup.directory để trống, nên phải nêu đường dẫn cho bản sao"
        ),
        (
            "keep and keepDays are for a folder, in which copies have names of their own",
            "keep và keepDays chỉ dùng cho thư mục, nơi các bản sao mang tên riêng"
        ),
        (
            "history goes back %, and store.history_memory wants %: its part of the store is used up; raise store.history_percent or store.map_size, or lower store.history_memory",
            "lịch sử chỉ còn %t1, trong khi store.history_memory cần %t2: phần kho dành cho lịch sử đã hết; hãy tăng store.history_percent hoặc store.map_size, hoặc giảm store.history_memory"
        ),
        ("the last good backup is % old", "bản sao lưu tốt gần nhất đã có từ %t1 trước"),
        (
            "edoc-backup.timer has been enabled for %, and no backup was made",
            "edoc-backup.timer đã bật %t1 mà chưa có bản sao lưu nào"
        ),
        ("%; the last try failed: %", "%1; lần thử gần nhất không thành: %2"),
    ]

    private static let records: [Pair] = [
        ("a record of table % does not check, key %", "một bản ghi của bảng %1 không khớp mã kiểm tra, khóa %2"),
        ("chunk % of extent %", "đoạn %1 của vùng %2"),
        ("chunk % of extent %, which is damaged", "đoạn %1 của vùng %2, đã hỏng"),
        ("the piece at %", "mảnh ở %1"),
        ("its record in the store cannot be read", "không đọc được bản ghi của nó trong kho"),
        ("unreadable in a node's store", "không đọc được trong kho của một nút"),
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
