// CatalogueEntries+Links: why there is no link, and why one ended, by template, and what it is in Vietnamese: of dialling, of TLS and
// certificates, of who the peer is, of the session protocol (RFC 9174), and of single transfers.

extension CatalogueEntries {
    static let links: [Pair] = [
        downtimes, silences, dialling, certificates, handshakes, identities, contacts, sessions, transfers,
    ].flatMap { $0 }

    /// Since when, and how often tried.
    private static let downtimes: [Pair] = [
        ("% is down for %; it dials us: %", "%1 mất nối %t2; nút ấy gọi tới nút này: %3"),
        ("% is down for %; it dials us", "%1 mất nối %t2; nút ấy gọi tới nút này"),
        ("% is down for %, % dials failed: %", "%1 mất nối %t2, %3 lần gọi không được: %4"),
        ("% is down for %, % dials failed", "%1 mất nối %t2, %3 lần gọi không được"),
        ("% is down for %, 1 dial failed: %", "%1 mất nối %t2, 1 lần gọi không được: %3"),
        ("% is down for %, 1 dial failed", "%1 mất nối %t2, 1 lần gọi không được"),
        ("1 dial failed: %", "1 lần gọi không được: %1"), ("1 dial failed", "1 lần gọi không được"),
        ("it says that it has no resources, asked again in %", "nút ấy báo hết tài nguyên, hỏi lại sau %t1"),
        (
            "it has no room for % bytes or more; smaller ones go",
            "nút ấy không còn chỗ cho văn bản từ %1 byte; nhỏ hơn vẫn đi"
        ),
        (
            "% transfers are under way, and nothing was acknowledged for %",
            "%1 lượt truyền đang đi, đã %t2 không có xác nhận nào"
        ),
        (
            "1 transfer is under way, and nothing was acknowledged for %",
            "1 lượt truyền đang đi, đã %t1 không có xác nhận nào"
        ),
        (
            "it dials us, and has not; 1 waits for it",
            "nút ấy phải tự gọi tới nút này và chưa gọi; 1 đang chờ gửi cho nó"
        ),
        ("it dials us; % wait for it: %", "nút ấy phải tự gọi tới nút này; %1 đang chờ gửi cho nó: %2"),
        (
            "it is up, 1 waits for it, and none is under way; edocctl show says why",
            "đang nối, 1 chờ nó mà không lượt nào đang đi; edocctl show cho biết lý do"
        ),
        ("% is suspended by % for another %: %", "%1 bị %2 tạm ngừng thêm %t3: %=4"),
        ("agency % is suspended by % for another %: %", "cơ quan %1 bị %2 tạm ngừng thêm %t3: %=4"),
        ("peer % is suspended by % for another %: %", "nút kề %1 bị %2 tạm ngừng thêm %t3: %=4"),
        ("%: %", "%1: %2"), ("% (%)", "%1 (%=2)"), ("link down: %", "mất liên kết: %1"),
        ("cannot reach peer: %", "không tới được nút kề: %1"),
        ("%, and comes after %", "%1, và đứng sau %2"),
        (
            "%, and waits for one before it that has just been lost",
            "%1, và chờ nút đứng trước vừa mất liên kết"
        ),
        ("%; it may come back before others take over", "%1; nút ấy có thể nối lại trước khi nút khác thay"),
        ("no such peer in the configuration", "cấu hình không có nút kề này"),
        ("peer removed from the configuration", "nút kề đã bị bỏ khỏi cấu hình"),
        ("this node is stopping", "nút này đang dừng"), ("This node is stopping.", "nút này đang dừng"),
        ("the session is over", "phiên đã kết thúc"),
        ("the store cannot be read: %", "không đọc được kho: %1"),
    ]

    /// Links on which nothing is acknowledged.
    private static let silences: [Pair] = [
        (
            "nothing is acknowledged any more: other hops are asked in their time",
            "không còn xác nhận nào: đến hạn sẽ hỏi nút khác"
        ),
        ("nothing is acknowledged", "không có xác nhận nào"), ("no answer: %", "không trả lời: %1"),
        (
            "% acknowledges nothing at present; another session is tried",
            "%1 hiện không xác nhận gì; đang thử phiên khác"
        ),
        (
            "sessions come up and end with transfers unanswered (%); large packets are probably lost on the way (MTU)",
            "phiên thiết lập được nhưng kết thúc khi bản truyền chưa được trả lời (%w1); có lẽ gói lớn bị mất dọc đường (MTU)"
        ),
        (
            "sessions come up and end with transfers unanswered (%); the line breaks in the middle of transfers",
            "phiên thiết lập được nhưng kết thúc khi bản truyền chưa được trả lời (%w1); đường truyền đứt giữa chừng"
        ),
        (
            "Nothing was acknowledged: the peer's relay may hang.",
            "không có xác nhận nào: trục của nút kề có thể bị treo"
        ),
        (
            "Nothing was acknowledged, though the peer is heard: large packets may be lost on the way (MTU).",
            "không có xác nhận nào dù vẫn nghe được nút kề: gói tin lớn có thể bị mất trên đường (MTU)"
        ),
        (
            "Nothing was acknowledged and nothing is heard: the way or the peer hangs.",
            "không có xác nhận nào và không nghe được gì: đường truyền hoặc nút kề bị treo"
        ),
    ]

    private static let dialling: [Pair] = [
        ("no address is configured", "cấu hình chưa có địa chỉ"),
        ("% did not answer in time", "%1 không trả lời kịp"),
        ("the name % cannot be resolved", "không phân giải được tên %1"),
        ("% cannot be reached", "không tới được %1"),
        (
            "A link without TLS is possible on the loopback interface only, not at %.",
            "liên kết không có TLS chỉ dùng được trên giao diện loopback, không dùng được ở %1"
        ),
        ("A link with TLS needs TLS settings.", "liên kết có TLS cần có thiết lập TLS"),
        ("This node has no TLS settings.", "nút này không có thiết lập TLS"),
        ("TLS could not be started.", "không khởi động được TLS"),
        ("The connection failed: %.", "kết nối không thành: %1"), ("The connection failed.", "kết nối không thành"),
    ]

    /// What is wrong with a peer's certificate.
    private static let certificates: [Pair] = [
        ("the certificate of \"%\" has expired", "chứng thư của \"%=1\" đã hết hạn"),
        ("the certificate of \"%\" is not valid yet", "chứng thư của \"%=1\" chưa có hiệu lực"),
        ("the certificate of \"%\" is revoked", "chứng thư của \"%=1\" đã bị thu hồi"),
        (
            "the issuer of the certificate of \"%\" has no CRL in the CRL file",
            "tệp danh sách thu hồi không có danh sách của nơi cấp chứng thư \"%=1\""
        ),
        (
            "the certificate of \"%\" does not lead to a trusted CA",
            "chứng thư của \"%=1\" không dẫn tới cơ quan cấp chứng thư (CA) được tin cậy"
        ),
        ("the certificate of \"%\" is not acceptable", "chứng thư của \"%=1\" không được chấp nhận"),
        ("the peer's certificate has expired", "chứng thư của nút kề đã hết hạn"),
        ("the peer's certificate is not valid yet", "chứng thư của nút kề chưa có hiệu lực"),
        ("the peer's certificate is revoked", "chứng thư của nút kề đã bị thu hồi"),
        (
            "the issuer of the peer's certificate has no CRL in the CRL file",
            "tệp danh sách thu hồi không có danh sách của nơi cấp chứng thư nút kề"
        ),
        (
            "the peer's certificate does not lead to a trusted CA",
            "chứng thư của nút kề không dẫn tới cơ quan cấp chứng thư (CA) được tin cậy"
        ),
        ("the peer's certificate is not acceptable", "chứng thư của nút kề không được chấp nhận"),
        ("the peer's certificate cannot be read", "không đọc được chứng thư của nút kề"),
        ("the peer sent no certificate", "nút kề không gửi chứng thư"),
        (
            "the peer's chain holds something that is no certificate",
            "chuỗi chứng thư của nút kề có phần không phải chứng thư"
        ),
    ]

    private static let handshakes: [Pair] = [
        ("the handshake took too long", "bắt tay TLS quá lâu"),
        ("the connection ended during the handshake", "kết nối bị đứt khi đang bắt tay TLS"),
        ("the session is closed", "phiên TLS đã đóng"),
        ("more than % bytes before the handshake", "quá %1 byte trước khi bắt tay TLS"),
        ("OpenSSL made no session", "OpenSSL không tạo được phiên"),
        ("OpenSSL made no transport", "OpenSSL không tạo được lớp vận chuyển"),
        ("the connection ended while %", "kết nối bị đứt khi %w1"),
        (
            "the peer ended the session while % with alert %, %",
            "nút kề kết thúc phiên TLS khi %w1, với cảnh báo %2 (%3)"
        ),
        ("the peer does not offer TLS 1.3", "nút kề không có TLS 1.3"),
        ("the peer broke the TLS protocol while %", "nút kề làm sai giao thức TLS khi %w1"),
        ("shaking hands", "đang bắt tay TLS"), ("reading", "đang đọc"),
        ("writing", "đang ghi"), ("closing", "đang đóng"),
        ("the session asks for a handshake while writing", "phiên TLS đòi bắt tay khi đang ghi"),
    ]

    /// Who the peer is, and who it should be.
    private static let identities: [Pair] = [
        (
            "The peer announces no node ID, or none that names a node.",
            "nút kề không xưng tên nút, hoặc tên không phải của một nút"
        ),
        (
            "The peer announces %, which is not configured here.",
            "nút kề xưng là %1, là nút chưa có trong cấu hình ở đây"
        ),
        ("The peer announces %, but % was dialled.", "nút kề xưng là %1, nhưng đã gọi %2"),
        (
            "The peer announces %, but its certificate is that of %.",
            "nút kề xưng là %1, nhưng chứng thư của nó là của %2"
        ),
    ]

    /// Contact that came to nothing.
    private static let contacts: [Pair] = [
        (
            "The peer speaks TCPCL version %, we speak version 4 only.",
            "nút kề dùng TCPCL phiên bản %1, nút này chỉ dùng phiên bản 4"
        ),
        ("The peer does not offer TLS, which is required here.", "nút kề không có TLS, mà ở đây bắt buộc có"),
        (
            "The peer demands the session extension %, which is not known here.",
            "nút kề đòi phần mở rộng phiên %1, ở đây không có"
        ),
        (
            "The peer's session extension items disagree with their length.",
            "các phần mở rộng phiên của nút kề không khớp độ dài đã ghi"
        ),
        (
            "The peer takes segments of % octets only, too small to be of use.",
            "nút kề chỉ nhận đoạn %1 byte, quá nhỏ để dùng được"
        ),
        ("The peer's node ID was not accepted.", "tên nút của nút kề không được chấp nhận"),
        (
            "The peer sent a % message where its SESS_INIT was expected.",
            "nút kề gửi thông điệp %1 trong khi phải gửi SESS_INIT"
        ),
        ("The peer did not finish making contact in time.", "nút kề không kịp hoàn tất việc bắt liên lạc"),
        ("The connection ended before contact was made.", "kết nối bị đứt trước khi bắt được liên lạc"),
        (
            "The connection does not begin with \"dtn!\", so the other side does not speak TCPCL.",
            "kết nối không bắt đầu bằng \"dtn!\", nên bên kia không dùng TCPCL"
        ),
    ]

    /// Why a session ended.
    private static let sessions: [Pair] = [
        ("The peer ended the session (%).", "nút kề kết thúc phiên (%w1)"),
        ("This node ended the session (%).", "nút này kết thúc phiên (%w1)"),
        (
            "The session was ended, but transfers stayed unanswered.",
            "phiên được kết thúc, nhưng còn lượt truyền chưa được trả lời"
        ),
        (
            "Nothing came from the peer for two and a half keepalive intervals.",
            "nút kề không gửi gì suốt hai lần rưỡi nhịp giữ liên lạc (keepalive)"
        ),
        (
            "The peer began a transfer and sent nothing more of it.",
            "nút kề bắt đầu một lượt truyền rồi không gửi tiếp"
        ),
        ("The peer did not answer transfers in time.", "nút kề không kịp trả lời các lượt truyền"),
        (
            "The peer closed the connection without ending the session.",
            "nút kề đóng kết nối mà không kết thúc phiên"
        ),
        ("The connection was cut.", "kết nối bị cắt"),
        ("The session has lived as long as sessions may.", "phiên đã tồn tại hết thời gian cho phép"),
        ("A payload could not be read from the store.", "không đọc được một nội dung từ kho"),
        ("The peer rejected a message: %.", "nút kề bác một thông điệp: %1"),
        ("message type unknown", "không biết loại thông điệp"), ("message unsupported", "không hỗ trợ thông điệp"),
        ("message unexpected", "thông điệp không đúng lúc"), ("unknown (code %)", "không rõ (mã %1)"),
        ("unknown", "không rõ"), ("idle timeout", "hết giờ nhàn rỗi"), ("version mismatch", "khác phiên bản"),
        ("busy", "đang bận"), ("contact failure", "không bắt được liên lạc"),
        ("resource exhaustion", "cạn tài nguyên"),
        (
            "The peer sent a message of type %, which no version-4 peer may send.",
            "nút kề gửi thông điệp loại %1, loại mà phiên bản 4 không được gửi"
        ),
        (
            "The peer's node ID is % octets long; at most % are taken.",
            "tên nút của nút kề dài %1 byte; chỉ nhận tối đa %2"
        ),
        ("The peer's node ID is not UTF-8 text.", "tên nút của nút kề không phải văn bản UTF-8"),
        (
            "The extension items of the peer's % message are % octets long; at most % are taken.",
            "các phần mở rộng trong thông điệp %1 của nút kề dài %2 byte; chỉ nhận tối đa %3"
        ),
        (
            "The peer sent SESS_INIT in an established session.",
            "nút kề gửi SESS_INIT khi phiên đã thiết lập"
        ),
        (
            "The peer sent a segment of transfer %, which is not open.",
            "nút kề gửi một đoạn của lượt truyền %1, lượt này không mở"
        ),
        (
            "The peer began transfer % before it ended the one before.",
            "nút kề bắt đầu lượt truyền %1 khi chưa xong lượt trước"
        ),
        (
            "The peer began a second transfer % while the first is not answered.",
            "nút kề bắt đầu lượt truyền %1 lần thứ hai khi lần đầu chưa được trả lời"
        ),
        (
            "The peer sent a segment of % octets, more than our segment MRU.",
            "nút kề gửi một đoạn %1 byte, quá mức nhận tối đa (MRU) của nút này"
        ),
        (
            "The peer acknowledged transfer %, which was never begun.",
            "nút kề xác nhận lượt truyền %1, lượt này chưa hề bắt đầu"
        ),
        (
            "The peer acknowledged % octets of transfer %, which does not fit what was sent.",
            "nút kề xác nhận %1 byte của lượt truyền %2, không khớp với phần đã gửi"
        ),
        (
            "The peer refused transfer %, which was never begun.",
            "nút kề từ chối lượt truyền %1, lượt này chưa hề bắt đầu"
        ),
    ]

    /// What a peer, or this node, says to one transfer. Without the peer's name as the reason of a refusal.
    private static let transfers: [Pair] = [
        ("not acceptable", "không chấp nhận"), ("asked to retransmit", "yêu cầu gửi lại"),
        ("no resources", "hết tài nguyên"), ("extension failure", "phần mở rộng không dùng được"),
        ("session terminating", "phiên đang kết thúc"),
        ("larger than the peer's transfer MRU", "lớn hơn mức nhận tối đa (MRU) của nút ấy"),
        (
            "the peer takes single-recipient envelopes only",
            "nút ấy chỉ nhận gói tin có một nơi nhận"
        ),
        ("not picked up", "chưa ai lấy"), ("still queued", "còn trong hàng đợi"),
        ("no report has come", "chưa có báo cáo"), ("reason %", "lý do %n1"),
        ("its payload cannot be read from the store", "không đọc được nội dung của nó từ kho"),
    ]
}
