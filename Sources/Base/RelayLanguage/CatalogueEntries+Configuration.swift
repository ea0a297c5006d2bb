// CatalogueEntries+Configuration: what is wrong in edocd.yaml, agencies.yaml and the files of keys and certificates, by template, and what
// it is in Vietnamese. Keys, names and what stands in a file stay as they are.

extension CatalogueEntries {
    static let configurationFiles: [Pair] = [
        frames, expectations, findings, agencyFiles, trustFiles, anyTrustFile, reloadings, serviceSockets,
    ].flatMap { $0 }

    private static let frames: [Pair] = [
        ("%: expected %, found %; did you mean %?", "%=1: cần %w2, nhưng gặp: %w3; có phải là %=4?"),
        ("%: expected %, found %", "%=1: cần %w2, nhưng gặp: %w3"),
        (
            "tls.certificate: expected a bundleEID %; found %",
            "tls.certificate: cần một bundleEID là %1; nhưng gặp: %w2"
        ),
        ("warning: %", "cảnh báo: %w1"),
        (
            "plain_loopback is on: sessions have NO TLS and prove NO identity; for tests on loopback only",
            "plain_loopback đang bật: phiên KHÔNG có TLS và KHÔNG chứng minh danh tính; chỉ để thử trên loopback"
        ),
        ("spool.%: %", "spool.%1: %2"),
        (
            "what was verified of it cannot be written: %",
            "không ghi được những gì đã kiểm tra về văn bản: %1"
        ),
        (
            "peers.%.foreign is not set: this version still takes bundles from it that name no sender; the next will not (yes or no says which)",
            "chưa đặt peers.%1.foreign: phiên bản này vẫn nhận từ nút đó những gói không ghi nơi gửi; phiên bản sau thì không (ghi yes hoặc no)"
        ),
    ]

    private static let expectations: [Pair] = [
        ("a text, or \"\" for none", "chuỗi, hoặc \"\" nếu không có"),
        ("a path", "đường dẫn"), ("a path, or \"\" for none", "đường dẫn, hoặc \"\" nếu không có"),
        (
            "a path, or credential:NAME for one of LoadCredential=",
            "đường dẫn, hoặc credential:TÊN cho một mục của LoadCredential="
        ),
        ("a duration from % to %", "khoảng thời gian từ %1 đến %2"),
        ("a size from % to %", "kích thước từ %1 đến %2"),
        ("a size from % to %, or %", "kích thước từ %1 đến %2, hoặc %3"),
        ("a number from % to %", "số từ %1 đến %2"), ("a number from % to %, or %", "số từ %1 đến %2, hoặc %3"),
        ("yes or no", "yes hoặc no"), ("one of %", "một trong: %=1"), ("a list of %", "danh sách gồm: %=1"),
        ("host:port, or \"\" for none", "máy:cổng, hoặc \"\" nếu không có"), ("host:port", "máy:cổng"),
        ("a list of host:port", "danh sách máy:cổng"),
        ("a node ID such as dtn://truc/, or %", "tên nút đầy đủ như dtn://truc/, hoặc %1"),
        ("a list of node names, own or *", "danh sách tên nút, own hoặc *"),
        (
            "a list of agency codes, subtrees such as H29.*, own or *",
            "danh sách mã cơ quan, nhánh như H29.*, own hoặc *"
        ),
        ("at most % errors", "nhiều nhất %1 lỗi"), ("each item once", "mỗi mục một lần"),
        ("at most % values", "nhiều nhất %1 giá trị"),
        ("each key once (first in line %)", "mỗi khóa một lần (lần đầu ở dòng %1)"),
        (
            "LoadCredential=%:FILE in the unit (by hand: CREDENTIALS_DIRECTORY=FOLDER edocd ...)",
            "LoadCredential=%1:TỆP trong unit (chạy tay: CREDENTIALS_DIRECTORY=THƯ_MỤC edocd ...)"
        ),
        ("either user or group", "chỉ user hoặc chỉ group"),
        ("a node name, or the key node", "tên nút, hoặc khóa node"),
        ("one peer a node", "mỗi nút chỉ là một nút kề"),
        ("more than limits.lifetime_max and one day", "nhiều hơn limits.lifetime_max cộng một ngày"),
        ("a loopback address such as 127.0.0.1:9456", "địa chỉ loopback như 127.0.0.1:9456"),
        (
            "loopback addresses only, since plain_loopback is on",
            "chỉ địa chỉ loopback, vì plain_loopback đang bật"
        ),
        ("a loopback address, since plain_loopback is on", "địa chỉ loopback, vì plain_loopback đang bật"),
        ("at most %, %", "nhiều nhất là %1, tức %2"),
        ("a directory of its own", "thư mục riêng"),
    ]

    private static let findings: [Pair] = [
        ("nothing", "(trống)"), ("more", "nhiều hơn"), ("neither", "không có cái nào"), ("both", "cả hai"),
        ("a list of % items", "danh sách %1 mục"), ("a map of % keys", "bảng %1 khóa"),
        ("a list of 1 item", "danh sách 1 mục"), ("a map of 1 key", "bảng 1 khóa"),
        ("% more, not shown", "còn %1 lỗi nữa, không hiện"), ("more than % bytes", "quá %1 byte"),
        ("it twice", "hai lần"), ("% twice", "%1 hai lần"), ("an unreadable text", "văn bản không đọc được"),
        ("no credentials of a service manager", "trình quản lý dịch vụ không cấp bí mật nào"),
        ("%, which is that of %", "%1, là thư mục của %2"),
        ("%, which is at home on %", "%1, cơ quan này thuộc nút %2"),
        ("%, which is also peers.%", "%1, cũng là peers.%2"),
        ("%, which is an alias of %", "%1, là tên khác của %2"),
        ("%, which is an agency and a node", "%1, vừa là cơ quan vừa là nút"),
    ]

    private static let agencyFiles: [Pair] = [
        ("a map of node: name", "bảng có dạng nút: tên"), ("each node once", "mỗi nút một lần"),
        ("at most % bytes in one line", "nhiều nhất %1 byte trên một dòng"),
        ("a map with name and home", "bảng có name và home"), ("each agency once", "mỗi cơ quan một lần"),
        ("a code of its own", "mã riêng"),
        ("a spelling that is no agency's code", "cách viết không trùng mã cơ quan nào"),
        ("a spelling of this agency only", "cách viết chỉ của cơ quan này"),
        ("a map with to and via", "bảng có to và via"), ("next hops", "các nút kế tiếp"), ("a target", "đích"),
        ("each peer once", "mỗi nút kề một lần"),
        ("one row a target (first in line %)", "mỗi đích một dòng (lần đầu ở dòng %1)"),
        ("a name or a list of %", "một tên hoặc danh sách %w1"), ("nodes", "nút"),
        (
            "an agency code, a subtree such as H29.*, a node or *",
            "mã cơ quan, nhánh như H29.*, nút hoặc *"
        ),
        (
            "an agency code, a subtree such as H29.*, a node or * that is known here",
            "mã cơ quan, nhánh như H29.*, nút hoặc * đã biết ở đây"
        ),
        ("the node ID % for the node", "tên nút đầy đủ %1 nếu muốn nói tới nút"),
        ("the canonical code", "mã chính thức"),
    ]

    private static let trustFiles: [Pair] = [
        ("OpenSSL made no context", "OpenSSL không khởi tạo được"),
        ("this OpenSSL has no TLS 1.3", "OpenSSL này không có TLS 1.3"),
        ("OpenSSL does not let resumption be turned off", "OpenSSL không cho tắt việc nối lại phiên"),
        (
            "CA file % holds a certificate that cannot be used",
            "tệp CA %1 có chứng thư không dùng được"
        ),
        ("CA \"%\" of % has expired", "CA \"%=1\" trong %2 đã hết hạn"),
        (
            "a CRL of % should have been replaced by now; what was revoked since is not known",
            "một danh sách thu hồi trong %1 lẽ ra đã phải được thay; chưa biết những gì bị thu hồi từ đó đến nay"
        ),
        ("a CRL of % is from the future", "một danh sách thu hồi trong %1 có thời điểm ở tương lai"),
        (
            "CRL file % holds a CRL that cannot be used",
            "tệp danh sách thu hồi %1 có danh sách không dùng được"
        ),
        (
            "CA \"%\" has no CRL in %: certificates that it issued are refused",
            "%2 không có danh sách thu hồi của CA \"%=1\": chứng thư do CA này cấp bị từ chối"
        ),
        (
            "certificate file % holds a certificate that cannot be read",
            "tệp chứng thư %1 có chứng thư không đọc được"
        ),
        ("key file % is not the key of certificate file %", "tệp khóa %1 không phải khóa của tệp chứng thư %2"),
        ("the certificate of file % has expired", "chứng thư trong tệp %1 đã hết hạn"),
        ("OpenSSL does not take what is in %", "OpenSSL không nhận nội dung của %1"),
        ("certificate % is not valid yet", "chứng thư %1 chưa có hiệu lực"),
        ("the secrets of all sessions are written to %", "bí mật của mọi phiên đang được ghi vào %1"),
        ("key log % cannot be opened: %", "không mở được tệp khóa phiên %1: %2"),
        (
            "key file % is encrypted; a service cannot ask for a passphrase",
            "tệp khóa %1 được mã hóa; dịch vụ không hỏi được mật khẩu"
        ),
        ("key file % holds no private key that can be read", "tệp khóa %1 không có khóa riêng đọc được"),
    ]

    private static let anyTrustFile: [Pair] = [
        trustFile("CA file", "tệp CA"), trustFile("certificate file", "tệp chứng thư"),
        trustFile("CRL file", "tệp danh sách thu hồi"), trustFile("key file", "tệp khóa"),
    ].flatMap { $0 }

    /// What is wrong with any of the files.
    private static func trustFile(_ file: String, _ vietnamese: String) -> [Pair] {
        [
            ("\(file) % holds no certificate", "\(vietnamese) %1 không có chứng thư nào"),
            ("\(file) % holds no CRL", "\(vietnamese) %1 không có danh sách nào"),
            ("\(file) % cannot be opened: %", "không mở được \(vietnamese) %1: %2"),
            ("\(file) % cannot be examined: %", "không xem được \(vietnamese) %1: %2"),
            ("\(file) % is not a regular file", "\(vietnamese) %1 không phải tệp thường"),
            (
                "\(file) % can be used by others than its owner (mode %); chmod 600",
                "\(vietnamese) %1 người khác ngoài chủ tệp dùng được (quyền %2); hãy chạy chmod 600"
            ),
            ("\(file) % is larger than % bytes", "\(vietnamese) %1 lớn hơn %2 byte"),
            ("\(file) % cannot be read: %", "không đọc được \(vietnamese) %1: %2"),
            ("\(file) % is empty", "\(vietnamese) %1 trống"),
            ("\(file) % cannot be parsed", "không hiểu được nội dung \(vietnamese) %1"),
        ]
    }

    private static let reloadings: [Pair] = [
        (
            "certificate: another one, which ends %; the old one ends %",
            "chứng thư: đã đổi, hết hạn %1; chứng thư cũ hết hạn %2"
        ),
        (
            "certificates of authorities, or revocations: changed",
            "chứng thư của cơ quan cấp, hoặc danh sách thu hồi: đã đổi"
        ),
        ("routes changed: % waiting copies re-routed", "tuyến đã đổi: %1 bản sao đang chờ được tìm lại đường"),
    ]

    private static let serviceSockets: [Pair] = [
        ("sockets of the service manager: %", "socket của trình quản lý dịch vụ: %1"),
        ("LISTEN_FDS is not a number from 0 to %", "LISTEN_FDS không phải số từ 0 đến %1"),
        (
            "% is not a listening stream socket; set ListenStream= in its unit",
            "%1 không phải socket luồng đang lắng nghe; hãy ghi ListenStream= trong unit của nó"
        ),
        (
            "% is neither an IP socket nor a socket with a path",
            "%1 không phải socket IP, cũng không phải socket có đường dẫn"
        ),
        (
            "the service manager's socket % listens at %, which neither control.socket, control.submit_socket nor control.take_socket names; change the one or the other, or: systemctl disable --now %",
            "socket %1 của trình quản lý dịch vụ lắng nghe ở %2, mà control.socket, control.submit_socket và control.take_socket đều không ghi chỗ này; hãy sửa một trong hai bên, hoặc: systemctl disable --now %w3"
        ),
        (
            "the service manager's socket % listens at %, which listen does not name; change the one or the other, or: systemctl disable --now %",
            "socket %1 của trình quản lý dịch vụ lắng nghe ở %2, mà listen không ghi chỗ này; hãy sửa một trong hai bên, hoặc: systemctl disable --now %w3"
        ),
        ("its .socket unit", "unit .socket của nó"),
        ("%: cannot be made: %", "không tạo được %1: %2"),
        (
            "% exists and is not a socket; remove it, or set control.socket to another path",
            "%1 đã có và không phải socket; hãy xóa, hoặc đặt control.socket sang đường dẫn khác"
        ),
        ("the old socket % cannot be removed: %", "không xóa được socket cũ %1: %2"),
        ("% exists and is not a socket; it is not removed", "%1 đã có và không phải socket; không xóa"),
    ]
}
