// CatalogueEntries+Restore: the sentences about restored stores, by template, and what they are in Vietnamese.

extension CatalogueEntries {
    /// Places that a copy does not come to, and what a comparison and a release want.
    static let restores: [Pair] = [
        (
            "% is cut off: its pages take % bytes, and it has %. Take another copy.",
            "%1 bị cắt cụt: các trang của nó chiếm %2 byte mà tệp chỉ có %3. Hãy dùng bản sao khác."
        ),
        (
            "% is a symbolic link to a place that is not there; make that directory first.",
            "%1 là liên kết tượng trưng tới nơi không tồn tại; hãy tạo thư mục ấy trước."
        ),
        (
            "%/% is not a file of its own; put the store's file in its place.",
            "%1/%2 không phải tệp thường; hãy đặt chính tệp của kho vào chỗ đó."
        ),
        (
            "There is no store in %, but there is %: a restore was interrupted. Run edocctl restore again, or move %/% to %/%; to begin with an empty store, move % elsewhere.",
            "Trong %1 không có kho, nhưng có %2: một lần khôi phục đã bị ngắt. Hãy chạy lại edocctl restore, hoặc chuyển %3/%4 thành %5/%6; nếu muốn bắt đầu bằng kho trống, hãy chuyển %7 đi nơi khác."
        ),
        (
            "% is no store: it has % in it, and no %. Name the directory that store.directory in edocd.yaml names, or an empty one.",
            "%1 không phải kho: trong đó có %2 mà không có %3. Hãy nêu thư mục ghi ở store.directory trong edocd.yaml, hoặc một thư mục trống."
        ),
        (
            "There is a store in %; with --force it is moved aside, whole, and the copy takes its place.",
            "Trong %1 đã có kho; với --force nó được chuyển nguyên vẹn sang bên và bản sao thế chỗ."
        ),
        (
            "The store in % is that of %, and the copy is of %; bring it back on its own node.",
            "Kho trong %1 là của %2, còn bản sao là của %3; hãy khôi phục trên đúng nút của nó."
        ),
        (
            "%/% is not of this program; a store is never put in its place. Move it away by hand.",
            "%1/%2 không phải của chương trình này; kho không bao giờ được đặt vào chỗ đó. Hãy tự chuyển nó đi."
        ),
        ("% is no store of this program.", "%1 không phải kho của chương trình này."),
        ("% has a damaged record of its schema.", "%1 có bản ghi cấu trúc bị hỏng."),
        (
            "Another copy is being written to %. Name another file.",
            "Một bản sao khác đang được ghi vào %1. Hãy nêu tệp khác."
        ),
        (
            "not compared with the books of %, all of them and from before the copy on; edocctl restore compare FILE --apply, or release with --uncompared",
            "chưa đối chiếu với sổ của %1, trọn vẹn và từ trước khi sao; edocctl restore compare TỆP --apply, hoặc thả với --uncompared"
        ),
        (
            "the books of % begin at %, after the copy was made (%); list them anew with an earlier --since",
            "sổ của %1 bắt đầu từ %2, sau khi bản sao được tạo (%3); hãy liệt kê lại với --since sớm hơn"
        ),
        (
            "a line is of the books of %; make the file at another node than this",
            "một dòng thuộc sổ của %1; hãy tạo tệp ở nút khác, không phải nút này"
        ),
        (
            "state is held, held-before, arrived, handing or in-part",
            "trạng thái là held, held-before, arrived, handing hoặc in-part"
        ),
        (
            "held: it was being deleted when the copy was made; delete it once more, or release it",
            "đang giữ: nó đang bị xóa khi bản sao được tạo; hãy xóa lần nữa, hoặc thả"
        ),
        (
            "here in part when the copy was made; its other pieces were lost with the old store",
            "chỉ có một phần khi bản sao được tạo; các mảnh khác đã mất theo kho cũ"
        ),
        ("lost in part with an old store", "mất một phần theo kho cũ"),
        (
            "refused as made in the future: the sender's clock was ahead",
            "bị từ chối vì thời điểm tạo ở tương lai: đồng hồ của nút gửi đã chạy nhanh"
        ),
        ("released; not compared: %", "đã thả; chưa đối chiếu: %1"),
        (
            "cancelled, for the store was restored from a copy: % of % done",
            "đã dừng, vì kho được khôi phục từ bản sao: đã làm %1 trên %2"
        ),
        // What waits for the release, and spools.
        (
            "% bytes of it are in the store, and it has %",
            "trong kho có %1 byte của văn bản này, trong khi nó dài %2 byte"
        ),
        ("the store was restored from a copy", "kho được khôi phục từ bản sao"),
        (
            "the copy was made while the node was being drained; the drain is cancelled, for what is held needs the daemon",
            "bản sao được tạo khi nút đang xả hết; việc xả đã bị hủy, vì những gì đang giữ cần dịch vụ edocd"
        ),
        (
            "the store was restored from a copy: the agency may have taken it since; ask it first",
            "kho được khôi phục từ bản sao: cơ quan có thể đã nhận văn bản này từ đó; hãy hỏi cơ quan trước"
        ),
        (
            "arrived; held since the restore: edocctl restore release gives it to the spool %",
            "đã đến; bị giữ từ lúc khôi phục: edocctl restore release sẽ đưa vào thư mục giao nhận %1"
        ),
    ]
}
