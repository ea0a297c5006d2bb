// CatalogueEntries+Deeds: what becomes of operators' deeds, by template, and what it is in Vietnamese.

extension CatalogueEntries {
    /// Undoing, and what is over.
    static let jobs: [Pair] = [
        (
            "nothing is left to undo: the suspension of job % has ended",
            "không còn gì để hoàn tác: việc tạm ngừng của công việc %1 đã chấm dứt"
        ),
        (
            "nothing is left to undo: % is suspended by job % now",
            "không còn gì để hoàn tác: %1 hiện bị công việc %2 tạm ngừng"
        ),
        (
            "held: its lifetime ended while it was deleted by %, job %",
            "giữ lại: hết thời hạn trong khi đã bị %1 xóa, công việc %2"
        ),
        ("transmission cancelled by an operator", "người vận hành đã hủy việc gửi"),
        (
            "% is at home here and gets its documents as ever: there is nothing to suspend",
            "%1 có hộp văn bản đến ở nút này và vẫn nhận văn bản như thường: không có gì để tạm ngừng"
        ),
        ("% is empty; give it a value, or leave it out", "%=1 để trống; hãy cho giá trị, hoặc bỏ đi"),
        ("no route today (%): it keeps the way that it had", "hôm nay không có tuyến (%w1): vẫn giữ đường cũ"),
        (
            "waiting copies that have no route, and keep the way that they had: %",
            "bản sao đang chờ không còn tuyến, vẫn giữ đường cũ: %1"
        ),
        ("job %: %", "công việc %n1: %2"),
        ("done: % of %, % skipped, % failed", "xong: %1 trên %2, bỏ qua %3, hỏng %4"),
        ("cancelled: % of %, % skipped, % failed", "đã dừng: %1 trên %2, bỏ qua %3, hỏng %4"),
        ("done: % of % undone", "xong: đã hoàn tác %1 trên %2"),
        (
            "done: % of % undone, % held beyond their lifetime",
            "xong: đã hoàn tác %1 trên %2, %3 vẫn giữ vì quá thời hạn"
        ),
        ("job %: %, for %", "công việc %n1: %=2, trong %t3"),
        ("job %: %, until resumed", "công việc %n1: %=2, đến khi mở lại"),
        (
            "done: % of %, % skipped, % failed, % ended as expired",
            "xong: %1 trên %2, bỏ qua %3, hỏng %4, %5 kết thúc là hết hạn"
        ),
        (
            "cancelled: % of %, % skipped, % failed, % ended as expired",
            "đã dừng: %1 trên %2, bỏ qua %3, hỏng %4, %5 kết thúc là hết hạn"
        ),
        ("done: % of % deleted for good", "xong: đã xóa hẳn %1 trên %2"),
        ("the time for undoing is over", "đã hết thời gian hoàn tác"),
        ("done: nothing was left to undo", "xong: không còn gì để hoàn tác"),
    ]
}
