// CatalogueEntries+Operations: what operators do, and what became of it: draining, jobs, suspensions, spools, restoring, by template, and what it
// is in Vietnamese.

extension CatalogueEntries {
    static let deedSentences: [Pair] = drains + jobPhases + handOvers + watches + restorations

    private static let drains: [Pair] = [
        (
            "this node is being emptied and accepts nothing; hand it in elsewhere, or later",
            "nút này đang xả hết và không nhận thêm; hãy nộp ở nút khác, hoặc để sau"
        ),
        ("the node is being drained already", "nút này đã đang xả hết"),
        ("the node is not being drained", "nút này không đang xả hết"),
        ("cancel drain", "thôi xả hết"), ("node %", "nút %n1"),
        (
            "node %: the queues are empty; the daemon exits",
            "nút %1: hàng đợi đã trống; dịch vụ edocd thoát"
        ),
    ]

    private static let jobPhases: [Pair] = [
        ("preview", "xem trước"), ("running", "đang chạy"), ("done", "xong"), ("cancelled", "đã dừng"),
        ("undoing", "đang hoàn tác"), ("undone", "đã hoàn tác"), ("job %", "công việc %n1"),
        ("job %, %: %", "công việc %1, %2: %w3"),
        ("%, until resumed", "%1, đến khi mở lại"), ("%, for %", "%1, trong %t2"),
        ("everything in the store", "mọi thứ trong kho"),
        (
            "held as suspect: in hand at two crashes running",
            "giữ lại vì nghi vấn: đang được xử lý ở hai lần đổ liên tiếp"
        ),
        (
            "the selector of job % names no peer and no agency",
            "điều kiện của công việc %1 không nêu nút kề hay cơ quan nào"
        ),
        (
            "% suspensions are in force; resume some first",
            "đã có %1 mục đang tạm ngừng; hãy mở lại bớt trước"
        ),
        ("% is not suspended", "%1 không bị tạm ngừng"), ("peer %", "nút kề %n1"), ("agency %", "cơ quan %n1"),
        ("the time of its suspension is over", "đã hết thời hạn tạm ngừng"),
        ("unknown field % in a selector; known: %", "điều kiện không có trường %=1; các trường có: %=2"),
    ]

    private static let handOvers: [Pair] = [
        (
            "handing over: written to %/tmp/%, on its way into %/new",
            "đang bàn giao: đã ghi vào %1/tmp/%2, đang chuyển sang %3/new"
        ),
        ("arrived; is being written to %/tmp/%", "đã đến; đang ghi vào %1/tmp/%2"),
        ("arrived; waits for the spool %", "đã đến; chờ thư mục giao nhận %1"),
        ("the spool takes no documents: %", "thư mục giao nhận không nhận văn bản: %1"),
        (
            "%: tmp and new must be on one disk, or nothing can be moved from one to the other",
            "%1: tmp và new phải ở cùng một đĩa, nếu không thì không chuyển được từ tmp sang new"
        ),
        ("% is not there; make it, or mount its disk", "không có %1; hãy tạo, hoặc gắn đĩa của nó"),
        (
            "%: its disk has % bytes free, and % beside the document must stay free",
            "%1: đĩa còn trống %2 byte, mà ngoài văn bản phải chừa lại %3"
        ),
        ("%/new takes no files: %", "%1/new không nhận tệp: %2"),
        ("no thread can be made: %", "không tạo được luồng: %1"),
        (
            "its bytes in the store do not match its digest",
            "nội dung trong kho không khớp mã băm của nó"
        ),
        ("%: there is no group % on this machine", "%1: máy này không có nhóm %2"),
        (
            "%: files cannot be given to the group %: %; as root: chgrp % %/tmp; chmod g+s %/tmp",
            "%1: không giao được tệp cho nhóm %2: %3; hãy chạy bằng root: chgrp %4 %5/tmp; chmod g+s %6/tmp"
        ),
        (
            "%/tmp is not the folder in which % was written; put that one back, or ask the agency: what it has is acknowledged by edocctl inbox ack, what it has not is fetched into tmp",
            "%1/tmp không phải thư mục đã ghi %2; hãy đặt lại thư mục cũ, hoặc hỏi cơ quan: văn bản đã có thì xác nhận bằng edocctl inbox ack, chưa có thì lấy về tmp"
        ),
        (
            "%/tmp/% is not the document; remove it, and fetch the document under that name",
            "%1/tmp/%2 không phải là văn bản này; hãy xóa tệp, rồi đưa văn bản về với đúng tên đó"
        ),
        (
            "the spool of % does not take documents that are handing over (%): %",
            "thư mục giao nhận của %1 không nhận các văn bản đang bàn giao (%2): %3"
        ),
        ("the spool does not take it: %", "thư mục giao nhận không nhận văn bản này: %1"),
        ("% bytes of it are in the store, and it has %", "trong kho có %1 byte, mà văn bản có %2 byte"),
    ]

    private static let watches: [Pair] = [
        ("level is one of %", "mức là một trong: %=1"),
        (
            "the watch is over; begin another one if you need more",
            "đã hết thời gian theo dõi; hãy bắt đầu lại nếu cần xem thêm"
        ),
        ("% for good", "%1, đến khi khởi động lại"), ("% for %", "%1 trong %t2"),
        ("the next hop", "nút kế tiếp"), ("the acknowledgement", "lời xác nhận"), ("the submission", "việc nộp"),
        (
            "% was lost: %; nothing of it is in the store",
            "%w1 bị mất: %w2; trong kho không có gì của nó"
        ),
        ("there is no such user", "không có người dùng này"), ("user %", "người dùng %n1"), ("group %", "nhóm %n1"),
        ("submit as %", "nộp thay %1"), ("have the inbox of %", "dùng hộp văn bản đến của %1"),
        ("act", "thao tác"), ("see", "xem"),
    ]

    private static let restorations: [Pair] = [
        ("restored store", "kho khôi phục"), ("the books of %", "sổ của %1"),
        ("configuration, with force", "cấu hình, bắt buộc (--force)"),
        ("backup cancel", "dừng sao lưu"), ("restore release", "thả sau khôi phục"),
        ("restore compare", "đối chiếu sau khôi phục"), ("restore released", "đã thả xong sau khôi phục"),
        ("done; ended as expired: %", "xong; kết thúc vì hết hạn: %1"),
        ("done; what waited is held, incarnation %", "xong; những gì đang chờ được giữ lại, thế hệ %1"),
        ("ended: % as forwarded, % as delivered", "đã kết thúc: %1 là đã chuyển, %2 là đã giao"),
        (
            "ended: % as forwarded, % as delivered; whole books of %",
            "đã kết thúc: %1 là đã chuyển, %2 là đã giao; sổ trọn vẹn của %3"
        ),
    ]
}
