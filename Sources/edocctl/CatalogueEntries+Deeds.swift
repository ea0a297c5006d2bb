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
    ]
}
