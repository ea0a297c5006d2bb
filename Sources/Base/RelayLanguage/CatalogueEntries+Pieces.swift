// CatalogueEntries+Pieces: what is said of a store whose free pages do not lie together or are held by others, and what it is in
// Vietnamese.

extension CatalogueEntries {
    static let inPieces: [Pair] = [
        (
            "the store's free pages do not lie together as this document needs them; try again later",
            "các trang trống của kho không liền nhau đủ cho văn bản này; hãy thử lại sau"
        ),
        (
            "process % reads the store from outside: % bytes that are free cannot be used until it ends",
            "tiến trình %1 đang đọc kho từ bên ngoài: %2 byte trống chưa dùng được cho đến khi nó kết thúc"
        ),
    ]
}
