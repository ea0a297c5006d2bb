// CatalogueEntries+Outcomes: findings, and what became of documents that were handed in here, by template, and what it is in Vietnamese.

extension CatalogueEntries {
    static let outcomeSentences: [Pair] = findings + refusals

    private static let findings: [Pair] = [
        (
            "documents handed in here are late (%), for recipients: %; edocctl outcomes",
            "văn bản nộp tại đây bị chậm (%1), số nơi nhận: %2; edocctl outcomes"
        ),
        (
            "documents handed in here have ended as % (%), for recipients: %; edocctl outcomes",
            "văn bản nộp tại đây đã kết thúc là %w1 (%2), số nơi nhận: %3; edocctl outcomes"
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
        (
            "% down for % (waiting: %, urgency % (%) for %): %",
            "mất liên kết với %n1 đã %t2 (đang chờ: %n3, độ khẩn %n4 (%5) đã %t6): %7"
        ),
        (
            "% down for % (waiting: %, urgency % (%) for %)",
            "mất liên kết với %n1 đã %t2 (đang chờ: %n3, độ khẩn %n4 (%5) đã %t6)"
        ),
        (
            "the spool of % has documents that nobody takes: %, the oldest for %",
            "thư mục của %n1 có văn bản không ai lấy: %n2, lâu nhất đã %t3"
        ),
        (
            "the spool of % has urgent documents that nobody takes: %, the oldest for %",
            "thư mục của %n1 có văn bản khẩn không ai lấy: %n2, lâu nhất đã %t3"
        ),
        ("urgency % (%) has waited for %", "văn bản độ khẩn %n1 (%2) đã chờ %t3"),
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
            "a document handed in here is late: % refuses it: %",
            "văn bản nộp tại đây bị chậm: %n1 từ chối nhận: %2"
        ),
        (
            "documents handed in here have ended badly, for further recipients: %; edocctl outcomes",
            "văn bản nộp tại đây kết thúc xấu, thêm số nơi nhận: %n1; edocctl outcomes"
        ),
        (
            "documents handed in here are late, for further recipients: %; edocctl outcomes",
            "văn bản nộp tại đây bị chậm, thêm số nơi nhận: %n1; edocctl outcomes"
        ),
        ("at most % envelopes can be named at once", "mỗi lần nêu tối đa %1 gói tin"),
        ("--cause %", "--cause %=1"), ("--from %", "--from %=1"), ("--to %", "--to %=1"),
    ]

    private static let refusals: [Pair] = [
        ("refused a document of % (%): %", "đã từ chối văn bản của %n1 (%w2): %3"),
        ("receipts of % are not written: %", "không ghi được biên nhận của %n1: %2"),
        ("%: there is no group % on this machine", "%1: máy này không có nhóm %n2"),
        ("%: % files lie there and nobody takes them", "%1: có %n2 tệp nằm đó mà không ai lấy"),
        (
            "%/.cursor cannot be read; remove it to begin anew from now on",
            "không đọc được %1/.cursor; xóa nó để bắt đầu lại từ bây giờ"
        ),
        ("refused here: %", "bị từ chối tại đây: %1"),
        ("may not send for %", "không được gửi thay %n1"),
        ("may not send from node %", "không được gửi từ nút %n1"),
        ("it may not send bundles without a document block", "nút này không được gửi gói tin không có khối văn bản"),
        ("% sends without a document block", "%n1 gửi mà không có khối văn bản"),
        ("% is not at home at %", "%n1 không thuộc nút %n2"),
        ("no such sender agency: %", "không có cơ quan gửi này: %n1"),
        ("peer is not marked edoc", "nút kề không được ghi là edoc"),
        ("not a peer", "không phải nút kề"),
        ("larger than this node takes", "lớn hơn mức nút này nhận"),
        ("its header is longer than this node takes", "phần đầu dài hơn mức nút này nhận"),
        ("path too long", "đường đi quá dài"),
        ("created in the future", "lập ở tương lai"),
        ("its lifetime is longer than this node's limit", "thời hạn dài hơn giới hạn của nút này"),
        ("document block without copy block", "có khối văn bản mà không có khối bản gửi"),
        ("copy names recipients that the document does not", "bản gửi nêu nơi nhận mà văn bản không nêu"),
        ("payload length differs from the document block", "độ dài nội dung khác với khối văn bản"),
        ("refused a bundle (%): %", "đã từ chối một gói tin (%w1): %2"),
        ("bundles of % are refused (%): %, the last %: %", "gói tin từ %n1 bị từ chối (%w2): %n3, gần nhất %n4: %5"),
        (
            "peers.%.may_send_from is the default: documents of other nodes than % are refused from it, and it is the one way to % of them",
            "peers.%n1.may_send_from đang là mặc định: văn bản của các nút khác %n2 gửi qua nó bị từ chối, mà đó là đường duy nhất tới %n3 nút khác"
        ),
        (
            "no route reaches %, the home of % and others: documents for them are not taken",
            "không tuyến nào tới %n1, nút chủ quản của %n2 và các cơ quan khác: văn bản gửi họ không được nhận"
        ),
        (
            "certificate % does not lead to an authority in %: peers that trust the same authorities refuse this node",
            "chứng thư %1 không do cơ quan cấp nào trong %2 cấp: các nút kề tin cùng cơ quan cấp sẽ từ chối nút này"
        ),
        (
            "% would become another spelling of %, and % documents lie in its inbox here: have them taken first",
            "%n1 sẽ thành cách viết khác của %n2, mà %n3 văn bản đang nằm trong hộp văn bản đến của nó tại đây: hãy cho nhận trước"
        ),
        (
            "% would become another spelling of %, and more than % documents lie in its inbox here: have them taken first",
            "%n1 sẽ thành cách viết khác của %n2, mà hơn %n3 văn bản đang nằm trong hộp văn bản đến của nó tại đây: hãy cho nhận trước"
        ),
        (
            "% is another spelling of % now, and nobody can take what lies in its inbox here: %; take the alias away, reload, and have it taken first",
            "%n1 nay là cách viết khác của %n2 nên không ai lấy được văn bản trong hộp văn bản đến của nó tại đây: %n3; hãy bỏ cách viết đó, nạp lại cấu hình và cho nhận trước"
        ),
        (
            "% is another spelling of % now, and nobody can take what lies in its inbox here: more than %; take the alias away, reload, and have it taken first",
            "%n1 nay là cách viết khác của %n2 nên không ai lấy được văn bản trong hộp văn bản đến của nó tại đây: hơn %n3; hãy bỏ cách viết đó, nạp lại cấu hình và cho nhận trước"
        ),
        (
            "taken by %, as its books say; this store was restored and does not know it; no report has come since",
            "%n1 đã nhận, theo sổ của nút đó; kho này được khôi phục nên không còn biết; từ đó chưa có báo cáo"
        ),
    ]
}
