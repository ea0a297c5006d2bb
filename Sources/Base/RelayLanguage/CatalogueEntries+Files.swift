// CatalogueEntries+Files: the sentences about configurations, stores, files and connections, by template, and what they are in Vietnamese.

extension CatalogueEntries {
    /// What a reload would change, and why it did not.
    static let reloads: [Pair] = [
        (
            "%: % added, % moved, % removed of % (% % moved or removed)",
            "%w1: thêm %2, chuyển %3, bỏ %4 trên %5 (chuyển hoặc bỏ %6 %7)"
        ),
        ("agencies", "cơ quan"), ("aliases", "tên khác"), ("routes", "tuyến"), ("peers", "nút kề"),
        ("+ and % more", "+ và %1 mục nữa"), ("> and % more", "> và %1 mục nữa"), ("* and % more", "* và %1 mục nữa"),
        ("- and % more", "- và %1 mục nữa"),
        ("> %: home % to %", "> %1: nút chủ từ %w2 sang %3"), ("> %: via % to %", "> %1: trước qua %w2, nay qua %w3"),
        ("> %: settings changed", "> %1: thiết lập đã đổi"), ("> %: % to %", "> %1: từ %2 sang %3"),
        ("+ % via %", "+ %1 qua %2"), ("- % via %", "- %1 qua %2"),
        ("+ % of %", "+ %1 của %2"), ("- % of %", "- %1 của %2"),
        ("settings: changed", "thiết lập: đã đổi"),
        ("%: % gained a route", "%1: %2 có thêm đường đi"),
        ("%: via %", "%1: qua %2"), ("* %: via %", "* %1: qua %2"),
        ("Configuration in force.", "Cấu hình đang có hiệu lực."),
        (
            "Reload refused, the old configuration stays: %", "Không nạp lại, cấu hình cũ vẫn được dùng: %1"
        ),
        ("force and dry exclude each other", "force và dry loại trừ nhau"),
        ("more than % % moved or removed: needs force", "quá %1 %2 bị chuyển hoặc bỏ: cần --force"),
        (
            "more than 5 % would be moved or removed; edocctl reload --force does it all the same",
            "quá 5 %1 sẽ bị chuyển hoặc bỏ; edocctl reload --force vẫn thực hiện"
        ),
        ("waiting copies routed anew: % of %", "bản sao đang chờ phải tìm lại đường: %1 trên %2"),
        (
            "waiting copies routed anew: % of the first % looked at; % wait",
            "bản sao đang chờ phải tìm lại đường: %1 trong %2 bản đầu đã xem; đang chờ %3"
        ),
        ("failed; the old configuration stays", "không thành; cấu hình cũ vẫn được dùng"),
        ("node.name changes only with a new store", "node.name chỉ đổi được cùng kho mới"),
        ("the sizes of the store change only with a restart", "các kích thước của kho chỉ đổi khi khởi động lại"),
        ("% changes only with a restart", "%1 chỉ đổi khi khởi động lại"),
    ]

    /// What is wrong in a configuration file.
    static let configurations: [Pair] = [
        ("a readable file", "tệp đọc được"), ("a directory", "thư mục"), ("a known key", "khóa có trong danh mục"),
        ("no such key", "khóa không có"), ("none", "không có"), ("a map", "bảng khóa và giá trị"), ("a text", "chuỗi"),
        ("a list of rows", "danh sách dòng"), ("a list of maps", "danh sách bảng"),
        ("an agency code", "mã cơ quan"), ("an agency code such as H29.15", "mã cơ quan như H29.15"),
        ("a list of agency codes", "danh sách mã cơ quan"),
        ("an agency of agencies.yaml", "cơ quan có trong agencies.yaml"),
        ("an agency that is at home here", "cơ quan thuộc nút này"),
        ("a node name", "tên nút"), ("a node that stands under nodes", "nút có trong mục nodes"),
        ("another node than this one", "nút khác nút này"), ("at least one peer", "ít nhất một nút kề"),
        ("the name of a peer of this node", "tên một nút kề của nút này"), ("an address to dial", "địa chỉ để gọi"),
        ("whole seconds", "số giây nguyên"), ("bytes that are not", "byte không phải vậy"),
    ]

    /// What keeps the store of a stopped daemon from being read or brought back, and what this tool itself cannot do.
    static let stores: [Pair] = [
        (
            "The store in % is in use by a running daemon; leave --store out and ask it.",
            "Kho ở %1 đang do dịch vụ edocd đang chạy sử dụng; hãy bỏ --store và hỏi dịch vụ edocd."
        ),
        (
            "The store in % is in use by a running daemon; stop it first.",
            "Kho ở %1 đang do dịch vụ edocd đang chạy sử dụng; hãy dừng dịch vụ edocd trước."
        ),
        ("There is no store in %.", "Không có kho ở %1."),
        ("% is not sound: %", "%1 không nguyên vẹn: %2"),
        (
            "% is not a directory; name the one that store.directory in edocd.yaml names.",
            "%1 không phải thư mục; hãy nêu thư mục ghi ở store.directory trong edocd.yaml."
        ),
        ("% of % failed: % (%).", "%1 %2 không thành: %3 (%4)."),
        ("% cannot be read as a store: %", "không đọc được %1 như một kho: %2"),
        ("The store in % cannot be opened: %", "Không mở được kho ở %1: %2"),
        (
            "cannot write %: this name is not UTF-8; give one that is",
            "không ghi được %1: tên này không phải UTF-8; hãy dùng tên khác"
        ),
        ("cannot read %: %", "không đọc được %1: %2"), ("cannot write %: %", "không ghi được %1: %2"),
        ("cannot read %: it is larger than % octets", "không đọc được %1: tệp lớn hơn %2 byte"),
        ("cannot run %: %", "không chạy được %1: %2"),
        (
            "it is not a regular file, and its length must be known first",
            "không phải tệp thường, mà phải biết độ dài trước"
        ),
        ("no answer", "không có trả lời"), ("an answer without a status", "câu trả lời không có mã trạng thái"),
        ("the connection broke: %", "kết nối bị đứt: %1"),
        (
            "the daemon broke off in the middle of its answer; look at its log",
            "dịch vụ edocd ngắt giữa chừng câu trả lời; hãy xem nhật ký của nó"
        ),
        ("the answer is longer than % bytes", "câu trả lời dài quá %1 byte"),
        (
            "the file changed while it was sent; nothing was submitted",
            "tệp thay đổi trong lúc gửi; chưa nộp gì cả"
        ),
    ]

    /// What the system says (strerror) where files and connections fail.
    static let system: [Pair] = [
        ("Connection refused", "kết nối bị từ chối"), ("Connection reset by peer", "bên kia cắt kết nối"),
        ("Connection timed out", "kết nối quá thời gian chờ"), ("No route to host", "không có đường tới máy ấy"),
        ("Network is unreachable", "không tới được mạng"), ("Host is down", "máy ấy không hoạt động"),
        ("Broken pipe", "bên kia đã đóng"), ("Permission denied", "không có quyền"),
        ("Operation not permitted", "không được phép"), ("No such file or directory", "không có tệp hoặc thư mục này"),
        ("Is a directory", "là thư mục"), ("Not a directory", "không phải thư mục"), ("File exists", "đã có tệp này"),
        ("No space left on device", "đĩa đã đầy"), ("Read-only file system", "hệ thống tệp chỉ đọc"),
        ("Input/output error", "lỗi vào ra"),
        // Spools and copies on disks that do not answer.
        ("%: its disk has not answered for % s", "%1: đĩa đã không trả lời trong %2 giây"),
        ("%: its disk does not answer", "%1: đĩa không trả lời"),
        ("% is not there; make it, or mount its disk", "chưa có %1; hãy tạo, hoặc gắn (mount) đĩa chứa nó"),
        ("% is another folder than a moment ago", "%1 vừa bị thay bằng thư mục khác"),
        ("it was cancelled, and ends when its disk answers", "đã được yêu cầu dừng, và dừng khi đĩa trả lời"),
    ]
}
