// CatalogueEntries: the daemon's sentences by template, and what they are in Vietnamese. Tests/TidyTests compares them with the sources of
// the daemon: a sentence without an entry fails there.

enum CatalogueEntries {
    typealias Pair = (english: String, vietnamese: String)

    static let all: [Pair] = requests + submissions + waits + routes + traces + words

    /// Requests that make no sense, may not be, or find nothing.
    private static let requests: [Pair] = [
        (
            "the path has no sound %; percent-encode it as UTF-8",
            "đường dẫn không có %1 hợp lệ; hãy mã hoá phần trăm theo UTF-8"
        ),
        ("unknown parameter %; known here: %", "tham số %1 không có; ở đây chỉ có: %2"),
        ("the parameter % is not percent-encoded UTF-8", "tham số %1 không được mã hoá phần trăm theo UTF-8"),
        ("the parameter % is given twice", "tham số %1 xuất hiện hai lần"),
        ("% must be a number from % to %", "%1 phải là số từ %2 đến %3"),
        (
            "% must be a time such as 2026-03-09 or 2026-03-09T07:05:00+07:00",
            "%1 phải là thời điểm, ví dụ 2026-03-09 hoặc 2026-03-09T07:05:00+07:00"
        ),
        (
            "% may not % here; control.rights in edocd.yaml gives such rights",
            "%1 không được phép (%2) trên nút này; quyền được cấp trong mục control.rights của edocd.yaml"
        ),
        ("no such path; docs/control.md lists them", "không có đường dẫn này; docs/control.md liệt kê các đường dẫn"),
        ("the request cannot be answered", "không trả lời được yêu cầu này"),
        ("the node could not answer: %", "nút không trả lời được: %1"),
        ("state must be one of %", "trạng thái phải là một trong: %1"),
        (
            "% is not here, or no longer; edocctl trace and edocctl history may know its end",
            "%1 không có hoặc không còn ở đây; edocctl trace và edocctl history có thể cho biết kết cục"
        ),
        (
            "% has not passed here, or its memory is over; edocctl history may know its end",
            "%1 chưa từng qua đây, hoặc đã hết hạn lưu vết; edocctl history có thể cho biết kết cục"
        ),
        (
            "several envelopes begin with %; give more of the name",
            "có nhiều gói tin bắt đầu bằng %1; hãy ghi tên dài hơn"
        ),
        (
            "no envelope here is or begins with %; edocctl list shows what is here",
            "ở đây không có gói tin nào là hoặc bắt đầu bằng %1; edocctl list cho biết ở đây có gì"
        ),
        (
            "none of the newest % envelopes begins with %; give its whole name",
            "trong %1 gói tin mới nhất không có gói nào bắt đầu bằng %2; hãy ghi tên đầy đủ"
        ),
        ("% is not an agency code", "%1 không phải mã cơ quan"),
        ("% is not a node name; edocctl peers lists them", "%1 không phải tên nút; edocctl peers liệt kê các nút"),
        (
            "no peer % is known here; edocctl peers lists them",
            "ở đây không có nút kề %1; edocctl peers liệt kê các nút"
        ),
        ("which agency or node? give ?agency=CODE", "cơ quan hay nút nào? hãy ghi ?agency=MÃ"),
        (
            "no agency or node % is in the directory of this node; check the code in agencies.yaml",
            "danh bạ của nút này không có cơ quan hay nút %1; hãy kiểm tra mã trong agencies.yaml"
        ),
        ("the cursor is not one that this node gave", "con trỏ trang này không phải do nút này cấp"),
        ("force is true or false", "force chỉ nhận true hoặc false"),
        ("% is at home on node %; its inbox is there", "%1 thuộc nút %2; hộp văn bản đến của cơ quan ở nút đó"),
        (
            "% was taken by % before; its bytes are no longer here",
            "%2 đã nhận %1 trước đây; nội dung không còn ở nút này"
        ),
        ("the document is longer than this machine can send", "văn bản dài hơn mức máy này gửi được"),
        (
            "nothing was acknowledged; edocctl inbox list % shows what is there",
            "chưa xác nhận gì; edocctl inbox list %1 cho biết trong hộp có gì"
        ),
        (
            "the body is longer than 1 MiB; acknowledge in parts",
            "phần thân dài quá 1 MiB; hãy xác nhận thành nhiều lần"
        ),
        ("the body must be {\"envelopes\": [\"NAME\", …]}", "phần thân phải có dạng {\"envelopes\": [\"TÊN\", …]}"),
        ("name 1 to % envelopes", "hãy nêu từ 1 đến %1 gói tin"),
        (
            "% is not whole or not yet checked; try again in a while",
            "%1 chưa đủ hoặc chưa kiểm tra xong; hãy thử lại sau"
        ),
        ("% is not in the inbox of %", "%1 không có trong hộp văn bản đến của %2"),
        ("% cannot be looked for", "không tìm được %1"),
        (
            "% cannot be read: %; it may have been taken meanwhile, else look at the log",
            "không đọc được %1: %2; có thể văn bản vừa được nhận, nếu không hãy xem nhật ký"
        ),
    ]

    /// Documents that are not taken.
    private static let submissions: [Pair] = [
        (
            "the document is refused as a whole (%); correct what is named and submit it again",
            "toàn bộ văn bản bị từ chối (%1); hãy sửa các mục nêu dưới đây rồi gửi lại"
        ),
        ("sender % is not at home at this node", "cơ quan gửi %1 không thuộc nút này"),
        ("sender %: no such agency in the directory", "cơ quan gửi %1: không có trong danh bạ"),
        ("recipient %: no such agency in the directory", "nơi nhận %1: không có trong danh bạ"),
        ("recipient %: %", "nơi nhận %1: %2"),
        ("no recipient", "không có nơi nhận"),
        ("more than % recipients", "quá %1 nơi nhận"),
        ("document ID longer than % bytes", "mã văn bản dài quá %1 byte"),
        ("larger than the limit of % bytes", "lớn hơn giới hạn %1 byte"),
        ("lifetime must be between 1 ms and % ms", "thời hạn phải từ 1 ms đến %1 ms"),
        ("lifetime must be a duration such as 12h or 30d", "thời hạn phải là khoảng thời gian, ví dụ 12h hoặc 30d"),
        ("the store is full up to its reserve; try again later", "kho đã đầy đến mức dự trữ; hãy thử lại sau"),
        ("the quota of % is used up", "hạn mức của %1 đã hết"),
        (
            "the length must be known before the first byte: send Content-Length",
            "phải biết độ dài trước byte đầu tiên: hãy gửi Content-Length"
        ),
        ("the document is empty", "văn bản rỗng"),
        (
            "the package's header does not end within % bytes; it must come first",
            "phần đầu của gói không kết thúc trong %1 byte; phần đầu phải đứng trước"
        ),
        ("the package has no header", "gói không có phần đầu"),
        (
            "to is given without sender; give both, or neither for an edXML package",
            "có nơi nhận (to) mà thiếu cơ quan gửi (sender); hãy ghi cả hai, hoặc bỏ cả hai nếu là gói edXML"
        ),
        (
            "sender is given without to; give both, or neither for an edXML package",
            "có cơ quan gửi (sender) mà thiếu nơi nhận (to); hãy ghi cả hai, hoặc bỏ cả hai nếu là gói edXML"
        ),
        (
            "an edXML package itself says its urgency and document ID; leave them out",
            "gói edXML đã tự ghi độ khẩn và mã văn bản; hãy bỏ hai mục này"
        ),
        ("the body has % bytes and not the % announced", "phần thân có %1 byte, không phải %2 byte như đã báo"),
        ("the body has more than the % bytes announced", "phần thân dài hơn %1 byte đã báo"),
        (
            "the package says two things about its way; it must have one header",
            "gói nói hai điều khác nhau về nơi gửi, nơi nhận; gói phải có đúng một phần đầu"
        ),
        (
            "the edXML package is refused; for another kind of file give sender and to",
            "gói edXML bị từ chối; với loại tệp khác hãy ghi cơ quan gửi (sender) và nơi nhận (to)"
        ),
    ]

    /// Why a recipient's copy waits.
    private static let waits: [Pair] = [
        ("on the link to %, waiting for its answer", "đang trên liên kết tới %1, chờ trả lời"),
        (
            "at home here; its digest is being checked before it arrives",
            "nơi nhận thuộc nút này; đang kiểm tra mã băm trước khi nhận"
        ),
        ("route: %", "tuyến: %1"),
        ("deferred after % attempts: %", "hoãn sau %1 lần thử: %2"),
        (
            "in doubt at %: it was sent whole and not answered; others are asked later",
            "chưa rõ ở %1: đã gửi trọn mà chưa có trả lời; các nút khác được hỏi sau"
        ),
        ("the active set (%) has no place left for %", "tập đang gửi (%1) hết chỗ cho %2"),
        ("in the agency's inbox, not yet taken", "trong hộp văn bản đến của cơ quan, chưa được lấy"),
        ("held by an operator", "người vận hành đang giữ lại"),
        ("its record could not be read", "không đọc được bản ghi của nó"),
        ("taken by %", "%1 đã nhận"),
        ("the agency has taken it", "cơ quan đã lấy"),
        ("refused: %", "bị từ chối: %1"),
        ("its lifetime ended", "đã hết thời hạn"),
        ("deleted by an operator", "người vận hành đã xoá"),
        ("% is no longer a peer", "%1 không còn là nút kề"),
        ("% is suspended", "%1 đang bị tạm ngừng"),
        ("% has no resources and is left alone for a while", "%1 hết tài nguyên, tạm để yên một lúc"),
        ("%'s session is ending; the next one is awaited", "phiên với %1 đang kết thúc; chờ phiên kế tiếp"),
        ("% is up, and its window is full", "%1 đang nối, cửa sổ gửi đã đầy"),
        ("% is up", "%1 đang nối"),
        ("% is down for % s; it dials us: %", "%1 mất nối %2 giây; nút ấy gọi tới ta: %3"),
        ("% is down for % s; it dials us", "%1 mất nối %2 giây; nút ấy gọi tới ta"),
        ("% is down for % s, % dials failed: %", "%1 mất nối %2 giây, %3 lần gọi không được: %4"),
        ("% is down for % s, % dials failed", "%1 mất nối %2 giây, %3 lần gọi không được"),
        ("%: not acceptable", "%1: không chấp nhận"),
        ("%: asked to retransmit", "%1: yêu cầu gửi lại"),
        ("%: larger than the peer's transfer MRU", "%1: lớn hơn mức nhận tối đa (MRU) của nút ấy"),
        (
            "%: the peer takes single-recipient envelopes only",
            "%1: nút ấy chỉ nhận gói tin có một nơi nhận"
        ),
        ("its payload cannot be read back", "không đọc lại được nội dung"),
        (
            "held (suspect): in hand at two crashes of the daemon running",
            "giữ lại (nghi vấn): đang được xử lý ở hai lần tiến trình đổ liên tiếp"
        ),
        (
            "the store is full up to its reserve: nothing is accepted, what waits is still forwarded",
            "kho đã đầy đến mức dự trữ: không nhận thêm, những gì đang chờ vẫn được chuyển đi"
        ),
        ("the clock is not believed: expiry is suspended", "đồng hồ không đáng tin: tạm ngừng tính hết hạn"),
        ("links down: %", "liên kết mất: %1"),
        ("unreadable records set aside: %", "bản ghi không đọc được, đã để riêng: %1"),
        ("held: %", "đang giữ lại: %1"),
    ]

    /// The live answer to "where would it go?".
    private static let routes: [Pair] = [
        ("at home on this node", "thuộc nút này"),
        ("forwarded", "chuyển tiếp"),
        (
            "% has just been lost; others take over after the fail-over wait",
            "%1 vừa mất; nút khác sẽ thay sau thời gian chờ chuyển tuyến"
        ),
        ("unknown: no such agency or node in the directory", "không biết: danh bạ không có cơ quan hay nút này"),
        ("% came first", "%1 được xét trước"),
        ("% is the longer subtree", "%1 là nhánh dài hơn"),
        ("% is the agency's own row", "%1 là dòng riêng của cơ quan"),
        ("% names the agency; % is only its home", "%1 nêu đích danh cơ quan; %2 chỉ là nút chủ"),
        ("a more exact row fits: %", "có dòng khớp chính xác hơn: %1"),
        ("exact agency", "đúng mã cơ quan"),
        ("longest subtree", "nhánh dài nhất"),
        ("home node", "nút chủ"),
        ("default", "mặc định"),
    ]

    /// What is not known of a way.
    private static let traces: [Pair] = [
        ("the agency has not taken it yet, as far as is known here", "theo những gì biết ở đây, cơ quan chưa lấy"),
        (
            "its row is gone from this node, and no report has come",
            "bản ghi không còn ở nút này, và chưa có báo cáo nào"
        ),
        ("taken by %; no report has come since", "%1 đã nhận; từ đó chưa có báo cáo"),
        ("taken by %; only % hears of its end", "%1 đã nhận; chỉ %2 được báo kết cục"),
        ("it is still here; edocctl show says why", "còn ở đây; edocctl show cho biết lý do"),
        ("in the agency's inbox here, not taken yet", "trong hộp văn bản đến ở đây, chưa được lấy"),
    ]

    /// Reasons and states.
    private static let words: [Pair] = [
        ("no additional information", "không có thông tin thêm"),
        ("lifetime expired", "hết thời hạn"),
        ("forwarded over unidirectional link", "chuyển qua liên kết một chiều"),
        ("transmission cancelled", "đã huỷ truyền"),
        ("depleted storage", "hết chỗ lưu"),
        ("destination unavailable", "nơi nhận không sẵn sàng"),
        ("no known route", "không có tuyến"),
        ("no timely contact", "không liên lạc kịp"),
        ("block unintelligible", "không hiểu khối dữ liệu"),
        ("hop limit exceeded", "quá số chặng"),
        ("traffic pared", "bớt lưu lượng"),
        ("block unsupported", "không hỗ trợ khối dữ liệu"),
        ("unknown agency", "cơ quan không có trong danh bạ"),
        ("not authorised", "không có thẩm quyền"),
        ("loop", "vòng lặp"),
        ("refused by every next hop", "mọi nút kế tiếp đều từ chối"),
        ("digest mismatch", "mã băm không khớp"),
        ("waiting", "chờ gửi"),
        ("active", "đang gửi"),
        ("deferred", "hoãn"),
        ("held", "giữ lại"),
        ("corrupt", "hỏng"),
        ("arrived", "đã đến"),
        ("delivered", "đã giao"),
        ("refused", "bị từ chối"),
        ("expired", "hết hạn"),
        ("deleted", "đã xoá"),
        ("incoming", "đang đến"),
    ]
}
