// CatalogueEntries+System: what libraries say in sentences of the relay (the C library, OpenSSL, the XML parser), and what it is in
// Vietnamese. No source of the relay has these texts, so none is compared with them.

extension CatalogueEntries {
    static let libraries: [Pair] = alerts + expat + systemCalls

    /// The alerts of RFC 8446, 6.2, as OpenSSL names them.
    private static let alerts: [Pair] = [
        ("close notify", "báo đóng"), ("unexpected message", "thông điệp không đúng lúc"),
        ("bad record mac", "mã xác thực bản ghi sai"), ("record overflow", "bản ghi quá dài"),
        ("handshake failure", "bắt tay không thành"), ("bad certificate", "chứng thư sai"),
        ("unsupported certificate", "loại chứng thư không được hỗ trợ"),
        ("certificate revoked", "chứng thư đã bị thu hồi"), ("certificate expired", "chứng thư đã hết hạn"),
        ("certificate unknown", "chứng thư không dùng được"), ("illegal parameter", "tham số sai"),
        ("unknown CA", "không biết cơ quan cấp chứng thư (CA)"), ("access denied", "từ chối truy cập"),
        ("decode error", "không giải mã được"), ("decrypt error", "lỗi giải mật mã"),
        ("protocol version", "phiên bản giao thức không dùng được"), ("insufficient security", "mức bảo mật không đủ"),
        ("internal error", "lỗi bên trong nút ấy"), ("user canceled", "bên kia hủy"),
        ("missing extension", "thiếu phần mở rộng"), ("unsupported extension", "phần mở rộng không được hỗ trợ"),
        ("unrecognized name", "tên không nhận ra"), ("certificate required", "phải có chứng thư"),
        ("no application protocol", "không có giao thức ứng dụng chung"),
    ]

    /// What the XML parser says (XML_ErrorString) of packages that people have really cut or mended by hand.
    private static let expat: [Pair] = [
        ("syntax error", "lỗi cú pháp"), ("no element found", "không thấy phần tử nào"),
        ("not well-formed (invalid token)", "không đúng dạng (ký hiệu sai)"), ("unclosed token", "ký hiệu chưa đóng"),
        ("partial character", "ký tự bị cắt"), ("mismatched tag", "thẻ đóng không khớp thẻ mở"),
        ("duplicate attribute", "thuộc tính lặp lại"),
        ("junk after document element", "có nội dung thừa sau phần tử gốc"),
        ("undefined entity", "thực thể không được định nghĩa"), ("unclosed CDATA section", "phần CDATA chưa đóng"),
        ("unbound prefix", "tiền tố không có không gian tên"),
        ("XML or text declaration not at start of entity", "khai báo XML không ở đầu"),
        ("unknown error", "lỗi không rõ"),
    ]

    /// More of strerror.
    private static let systemCalls: [Pair] = [
        ("Protocol error", "lỗi giao thức"), ("Address already in use", "địa chỉ đã có chương trình khác dùng"),
        ("Cannot assign requested address", "máy này không có địa chỉ ấy"),
        ("Too many open files", "mở quá nhiều tệp"), ("Too many open files in system", "hệ thống mở quá nhiều tệp"),
        ("File too large", "tệp quá lớn"), ("Disk quota exceeded", "vượt hạn mức đĩa"),
        ("Resource temporarily unavailable", "tạm thời chưa có tài nguyên"),
        ("Invalid argument", "tham số không hợp lệ"),
        ("Bad file descriptor", "mô tả tệp không dùng được"), ("Interrupted system call", "lời gọi hệ thống bị ngắt"),
        ("Cannot allocate memory", "không đủ bộ nhớ"), ("Device or resource busy", "thiết bị đang bận"),
        ("Invalid cross-device link", "không chuyển được giữa hai đĩa"), ("File name too long", "tên tệp quá dài"),
        ("Software caused connection abort", "kết nối bị hủy trên máy này"),
        ("Transport endpoint is not connected", "chưa có kết nối"), ("Directory not empty", "thư mục không trống"),
        ("Too many levels of symbolic links", "quá nhiều liên kết tượng trưng"), ("Text file busy", "tệp đang chạy"),
        ("No such device", "không có thiết bị này"),
        ("No such device or address", "không có thiết bị hoặc địa chỉ này"),
        ("Network is down", "mạng không hoạt động"), ("Connection aborted", "kết nối bị hủy"),
        ("Stale file handle", "tệp trên mạng không còn"), ("Operation not supported", "không hỗ trợ thao tác này"),
        ("Structure needs cleaning", "hệ thống tệp bị hỏng, cần sửa"),
    ]
}
