// CatalogueEntries+Process: the sentences about what the process shares out, by template, and what they are in Vietnamese: places of sessions
// and of local clients, memory, descriptors, log lines; and about certificates and clocks.

extension CatalogueEntries {
    /// Who holds how much of the process.
    static let process: [Pair] = [
        (
            "a connection was closed: no place for another that has not proven who it is",
            "một kết nối bị đóng: không còn chỗ cho kết nối chưa xác thực"
        ),
        (
            "It had the oldest of the connections of its address, which has most.",
            "đó là kết nối cũ nhất của địa chỉ có nhiều kết nối nhất"
        ),
        (
            "The peer has % sessions already, and no more have a place.",
            "nút kề đã có %1 phiên, không còn chỗ cho phiên khác"
        ),
        ("All % places for sessions are taken.", "cả %1 chỗ cho phiên đều đã dùng"),
        (
            "a session was ended: its peer holds more memory than its share",
            "một phiên bị kết thúc: nút kề dùng quá phần bộ nhớ của mình"
        ),
        ("The peer holds more memory than its share.", "nút kề dùng quá phần bộ nhớ của mình"),
        (
            "connections of peers wait: the system gives nothing to take them with: %",
            "kết nối của các nút kề phải chờ: hệ thống không còn tài nguyên để nhận: %w1"
        ),
        (
            "this process may have % descriptors: % sessions and % connections of strangers have a place, less than session.sessions_max and session.strangers_max say; raise LimitNOFILE",
            "tiến trình chỉ được có %1 bộ mô tả tệp: còn chỗ cho %2 phiên và %3 kết nối chưa xác thực, ít hơn session.sessions_max và session.strangers_max; hãy tăng LimitNOFILE"
        ),
        (
            "further sessions of a peer that has one are refused",
            "phiên thêm của nút kề đã có phiên sẽ bị từ chối"
        ),
        ("sessions of one peer", "phiên của một nút kề"),
        ("further sessions of that peer are refused", "phiên thêm của nút kề đó sẽ bị từ chối"),
        ("connections of strangers", "kết nối chưa xác thực"),
        (
            "the address that holds most loses its oldest",
            "địa chỉ có nhiều nhất mất kết nối cũ nhất"
        ),
        ("memory that sessions hold", "bộ nhớ các phiên đang giữ"),
        (
            "the session of the peer that holds most is ended",
            "phiên của nút kề giữ nhiều nhất bị kết thúc"
        ),
        ("memory that sessions of one peer hold", "bộ nhớ các phiên của một nút kề đang giữ"),
        ("the session that asks for more is ended", "phiên đòi thêm bị kết thúc"),
        ("% connections", "kết nối %1"),
        ("% connections of one user", "kết nối %1 của một người dùng"),
        (
            "further connections of that user are closed",
            "kết nối thêm của người dùng đó sẽ bị đóng"
        ),
        ("descriptors of the process", "bộ mô tả tệp của tiến trình"),
        ("connections wait until one is free", "kết nối chờ đến khi có chỗ trống"),
        (
            "log lines of one kind and owner in 10 min",
            "dòng nhật ký cùng loại của một chủ trong 10 phút"
        ),
        (
            "further lines are counted, and said with the next",
            "các dòng thêm được đếm và báo cùng dòng sau"
        ),
        (
            "bytes of log lines that nobody has read",
            "byte của các dòng nhật ký chưa ai đọc"
        ),
        ("further lines are dropped and counted", "các dòng thêm bị bỏ và được đếm"),
        (
            "the clock may be ahead, and no time service keeps it: this node starts when its certificate is valid",
            "đồng hồ có thể chạy trước giờ thật và không có dịch vụ giờ nào giữ: nút này sẽ khởi động khi chứng thư hợp lệ"
        ),
        (
            "the certificate has ended by the clock; waiting for the one or the other",
            "theo đồng hồ thì chứng thư đã hết hạn; đang chờ đồng hồ hoặc chứng thư mới"
        ),
        (
            "the store cannot be read: its disk does not answer",
            "không đọc được kho: đĩa của kho không trả lời"
        ),
        ("the bound of % is reached: %", "đã dùng hết hạn mức %w1: %w2"),
        ("peers are refused from %", "các nút kề sẽ bị từ chối từ %1"),
        ("asked by %", "theo yêu cầu của %1"), ("the schedule", "theo lịch"),
        (
            "clients of the control socket wait: the system gives nothing to take them with",
            "máy khách của socket điều khiển phải chờ: hệ thống không còn gì để tiếp nhận"
        ),
        (
            "this OpenSSL lacks a cipher suite, group or signature",
            "OpenSSL này thiếu một bộ mã, nhóm hoặc chữ ký"
        ),
        (
            "the CRL about % should have been replaced too long ago",
            "danh sách thu hồi về %1 lẽ ra phải được thay từ quá lâu"
        ),
        (
            "the members of group %, who may use the control socket, can read the key %; give it a group of its own: chgrp edoc-tls %",
            "các thành viên nhóm %1, vốn được dùng socket điều khiển, đọc được khóa %2; hãy cho khóa một nhóm riêng: chgrp edoc-tls %3"
        ),
        (
            "The peer's certificate has neither a bundleEID name nor a URI name of a node.",
            "chứng thư của nút kề không có tên bundleEID cũng không có tên URI của một nút"
        ),
        (
            "The peer's certificate has no bundleEID name of a node.",
            "chứng thư của nút kề không có tên bundleEID của một nút"
        ),
    ]
}
