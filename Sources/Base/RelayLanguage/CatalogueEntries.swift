// CatalogueEntries: the daemon's sentences by template, and what they are in Vietnamese. Tests/House/TidyTests compares them with the sources of
// the daemon: a sentence without an entry fails there.

public enum CatalogueEntries {
    public typealias Pair = (english: String, vietnamese: String)

    public static let all: [Pair] =
        requests + submissions + deeds + waits + stuck + limits + routes + traces + words + reloads + configurations
        + stores + restores
        + system
        + byNoun

    private static let byNoun = [
        links, numbers, shares, signatures, configurationFiles, storeTroubles, deedSentences, outcomeSentences,
        packages, libraries, machine, process, jobs, editions,
    ]
    .flatMap { $0 }

    /// Requests that make no sense, may not be, or find nothing.
    private static let requests: [Pair] = [
        (
            "the path has no sound %; percent-encode it as UTF-8",
            "đường dẫn không có %1 hợp lệ; hãy mã hóa phần trăm theo UTF-8"
        ),
        ("unknown parameter %; none is known here", "tham số %1 không có; ở đây không có tham số nào"),
        (
            "the body is not an order to verify: {\"rate\": 1048576, \"reason\": \"…\"}",
            "nội dung không phải là lệnh kiểm tra kho: {\"rate\": 1048576, \"reason\": \"…\"}"
        ),
        ("the request is not HTTP that can be understood", "yêu cầu không phải HTTP đúng quy cách"),
        ("unknown parameter %; known here: %", "tham số %1 không có; ở đây chỉ có: %2"),
        ("the parameter % is not percent-encoded UTF-8", "tham số %1 không được mã hóa phần trăm theo UTF-8"),
        ("the parameter % is given twice", "tham số %1 xuất hiện hai lần"),
        ("% must be a number from % to %", "%1 phải là số từ %2 đến %3"),
        (
            "% must be a time such as 2026-03-09 or 2026-03-09T07:05:00+07:00",
            "%1 phải là thời điểm, ví dụ 2026-03-09 hoặc 2026-03-09T07:05:00+07:00"
        ),
        (
            "% may not % here; control.rights in edocd.yaml gives such rights",
            "%1 không được phép %w2 trên nút này; quyền được cấp trong mục control.rights của edocd.yaml"
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
            "several envelopes begin with %: %; give more of the name",
            "có nhiều gói tin bắt đầu bằng %1: %2; hãy ghi tên dài hơn"
        ),
        (
            "several envelopes begin with %: % and % more; give more of the name",
            "có nhiều gói tin bắt đầu bằng %1: %2 và %3 gói tin nữa; hãy ghi tên dài hơn"
        ),
        (
            "several envelopes begin with %: % and at least % more; give more of the name",
            "có nhiều gói tin bắt đầu bằng %1: %2 và ít nhất %3 gói tin nữa; hãy ghi tên dài hơn"
        ),
        (
            "an envelope is named by nothing; edocctl list shows what is here",
            "có gói tin được nêu bằng tên rỗng; edocctl list cho biết ở đây có gì"
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
        ("the key % was used for another document, %", "khóa %1 đã dùng cho một văn bản khác, %2"),
        (
            "Idempotency-Key is one value of 1 to % printable ASCII characters",
            "Idempotency-Key là một giá trị gồm 1 đến %1 ký tự ASCII in được"
        ),
        ("% is true or false", "%1 chỉ nhận true hoặc false"),
        ("% is at home on node %; its inbox is there", "%1 thuộc nút %2; hộp văn bản đến của cơ quan ở nút đó"),
        (
            "this user may have the inbox of no agency",
            "người dùng này không được lấy văn bản đến của cơ quan nào"
        ),
        ("this user may not have the inbox of %", "người dùng này không được lấy văn bản đến của %1"),
        ("% takes its documents from its spool", "%1 lấy văn bản từ thư mục giao nhận của mình"),
        ("more than % documents asked for", "hỏi quá %1 văn bản"),
        ("more than % documents given back", "trả lại quá %1 văn bản"),
        ("there is no document %, or it is not whole", "không có văn bản số %1, hoặc văn bản chưa đủ"),
        (
            "% was taken by % before; its bytes are no longer here",
            "%2 đã nhận %1 trước đây; nội dung không còn ở nút này"
        ),
        ("the document is longer than this machine can send", "văn bản dài hơn mức máy này gửi được"),
        (
            "nothing was acknowledged; edocctl inbox list % shows what is there",
            "chưa xác nhận gì; edocctl inbox list %1 cho biết trong hộp văn bản đến có gì"
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
            "toàn bộ văn bản bị từ chối (%w1); hãy sửa các mục nêu dưới đây rồi gửi lại"
        ),
        (
            "the document is not taken at this time (%); nothing is wrong with it",
            "lúc này chưa nhận văn bản (%w1); bản thân văn bản không có lỗi"
        ),
        ("sender % is not at home at this node", "cơ quan gửi %1 không thuộc nút này"),
        ("sender %: no such agency in the directory", "cơ quan gửi %1: không có trong danh bạ"),
        ("recipient %: no such agency in the directory", "nơi nhận %1: không có trong danh bạ"),
        ("recipient %: %", "nơi nhận %1: %w2"),
        ("no recipient", "không có nơi nhận"),
        ("more than % recipients", "quá %1 nơi nhận"),
        ("document ID longer than % bytes", "mã văn bản dài quá %1 byte"),
        ("larger than the limit of % bytes", "lớn hơn giới hạn %1 byte"),
        (
            "the lifetime is more than zero and at most % (limits.lifetime_max)",
            "thời hạn phải lớn hơn 0 và không quá %t1 (limits.lifetime_max)"
        ),
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

    /// What operators ask to be done, and what keeps it from being done.
    private static let deeds: [Pair] = [
        (
            "the anchor must be the 64 hexadecimal digits of an entry's hash",
            "mốc phải là 64 chữ số thập lục phân của mã băm một mục"
        ),
        (
            "entry % is not in the operator log; begin the check without a cursor",
            "mục %1 không có trong nhật ký vận hành; hãy kiểm tra lại từ đầu, không kèm con trỏ"
        ),
        (
            "the body names an absolute path for the copy, or none: {\"path\": \"/…\", \"isWhole\": false, \"reason\": \"\", \"keep\": 7}",
            "phần thân phải ghi đường dẫn tuyệt đối cho bản sao, hoặc để trống: {\"path\": \"/…\", \"isWhole\": false, \"reason\": \"\", \"keep\": 7}"
        ),
        ("the path of a copy has no .. in it", "đường dẫn của bản sao không được có .."),
        (
            "a backup is under way; edocctl backup --state shows it, --cancel ends it",
            "đang sao lưu; edocctl backup --state cho xem, --cancel để dừng"
        ),
        ("no backup is under way", "không có sao lưu nào đang chạy"),
        ("there is no job %; edocctl jobs lists them", "không có công việc %1; edocctl jobs liệt kê các công việc"),
        ("the body is not a deed: %", "phần thân không phải một thao tác: %1"),
        (
            "the body must be {\"verb\": \"hold\", \"selector\": {…}}, of at most 256 KiB; docs/control.md lists the fields",
            "phần thân phải có dạng {\"verb\": \"hold\", \"selector\": {…}}, tối đa 256 KiB; docs/control.md liệt kê các trường"
        ),
        (
            "% is no job's number; edocctl jobs lists them",
            "%1 không phải số của công việc nào; edocctl jobs liệt kê các công việc"
        ),
        ("the reason is longer than % bytes", "lý do dài quá %1 byte"),
        (
            "% takes a peer or a receiving agency, and no other condition",
            "%1 chỉ nhận một nút kề hoặc một cơ quan nhận, không nhận điều kiện khác"
        ),
        (
            "% is not suspended; edocctl suspensions lists what is",
            "%1 không bị tạm ngừng; edocctl suspensions liệt kê những gì đang tạm ngừng"
        ),
        (
            "more than % recipients fit; narrow the selector and do it in parts",
            "có quá %1 nơi nhận khớp; hãy thu hẹp điều kiện và làm từng phần"
        ),
        ("verb must be one of %", "thao tác phải là một trong: %1"),
        ("the reason is longer than 1000 bytes", "lý do dài quá 1000 byte"),
        (
            "say which envelopes are meant; all that waits are those of state waiting or deferred",
            "hãy nêu những gói tin nào; mọi gói đang chờ là các gói ở trạng thái waiting hoặc deferred"
        ),
        ("% needs a reason: it stands in the operator log", "%1 cần lý do: lý do được ghi vào nhật ký vận hành"),
        (
            "release ends what has outlived its lifetime, and some of these have: give a reason, for the operator log",
            "release kết thúc những gì đã quá thời hạn, và trong số này có như vậy: hãy nêu lý do để ghi vào nhật ký vận hành"
        ),
        (
            "reroute needs a peer to go to; edocctl peers lists them",
            "reroute cần nút kề để chuyển tới; edocctl peers liệt kê các nút"
        ),
        ("only reroute has a peer to go to", "chỉ reroute mới có nút kề để chuyển tới"),
        ("only suspend lasts for a span", "chỉ suspend mới có thời hạn"),
        ("sent, and not answered", "đã gửi, chưa được trả lời"),
        ("%, urgency %", "%1, độ khẩn %2"),
        ("%, a lifetime of %", "%1, thời hạn %2"),
        ("%, longer by %", "%1, thêm %2"),
        ("not longer", "không dài hơn"),
        ("beyond lifetime_max", "vượt lifetime_max"),
        ("already so", "đã như vậy"),
        ("renamed before", "đã đổi tên"),
        (
            "% totals did not balance and were set by what rows tell",
            "%1 tổng số không khớp và được đặt lại theo những gì các dòng cho biết"
        ),
        ("only the verb urgency sets an urgency", "chỉ urgency mới đặt độ khẩn"),
        ("only the verb lifetime sets a lifetime", "chỉ lifetime mới đặt thời hạn"),
        ("the urgency to set is a number from 0 to 4", "độ khẩn cần đặt là số từ 0 đến 4"),
        (
            "say the whole lifetime, or by how much it is to be longer, such as 60d",
            "hãy nêu toàn bộ thời hạn, hoặc phần thêm, chẳng hạn 60d"
        ),
        ("a lifetime is at most % (limits.lifetime_max)", "thời hạn nhiều nhất là %1 (limits.lifetime_max)"),
        (
            "the span of a suspension is such as 30m, 2h or 3d, at most 366d",
            "thời hạn tạm ngừng ghi như 30m, 2h hoặc 3d, nhiều nhất 366d"
        ),
        ("commit is true or false", "commit chỉ nhận true hoặc false"),
        (
            "the store has not committed a row: it is full, or its disk does not answer",
            "kho không ghi được một dòng: kho đã đầy, hoặc đĩa không trả lời"
        ),
        (
            "% is being moved into the spool of %, and is delivered there",
            "%1 đang được chuyển vào thư mục giao nhận của %2 và được giao ở đó"
        ),
        ("for is a time from 1s to 1d, such as 10m", "for là khoảng từ 1s đến 1d, ví dụ 10m"),
        ("for is a time from 1s to 10m", "for là khoảng từ 1s đến 10m"),
        (
            "% others watch already; end one of them first",
            "đã có %1 người khác đang theo dõi; hãy dừng bớt trước"
        ),
        (
            "the operator log cannot be written: the store is full; nothing was done",
            "không ghi được nhật ký vận hành: kho đã đầy; chưa làm gì cả"
        ),
        ("the body has 1 to % lines of another node's books", "phần thân có từ 1 đến %1 dòng sổ của nút khác"),
        ("a release needs a reason: {\"reason\": \"…\"}", "thả ra cần lý do: {\"reason\": \"…\"}"),
        (
            "this store was not restored from a copy, or is still being held; edocctl restore list tells",
            "kho này không phải được khôi phục từ bản sao, hoặc còn đang được giữ lại; edocctl restore list cho biết"
        ),
        (
            "a line speaks of node %, this is %; make the file with: edocctl ledger % --envelopes",
            "một dòng nói về nút %1, còn đây là %2; hãy tạo tệp bằng: edocctl ledger %3 --envelopes"
        ),
        ("a line makes no sense: %, %", "một dòng không có nghĩa: %1, %2"),
        ("records is true or false", "records chỉ nhận true hoặc false"),
        (
            "at most % envelopes can be named at once; use other conditions",
            "mỗi lần nêu tên nhiều nhất %1 gói tin; hãy dùng điều kiện khác"
        ),
        ("% is not here, or no longer", "%1 không có hoặc không còn ở đây"),
        ("hop says how peer is meant; give peer, too", "hop nói rõ thêm về peer; hãy ghi cả peer"),
        ("hop is best or any", "hop chỉ nhận best hoặc any"),
        ("%: % is no agency code; write H29 or H29.*", "%1: %2 không phải mã cơ quan; hãy ghi H29 hoặc H29.*"),
        (
            "%: no agency % in the directory; check the code in agencies.yaml, or edocctl routes explain CODE",
            "%1: danh bạ không có cơ quan %2; hãy kiểm tra mã trong agencies.yaml, hoặc xem edocctl routes explain MÃ"
        ),
        ("urgency is 0 to 4, or such as 2+ for 2 and above", "độ khẩn từ 0 đến 4, hoặc như 2+ là từ 2 trở lên"),
        ("% is a span such as 90s, 15m, 12h or 30d", "%1 là khoảng thời gian như 90s, 15m, 12h hoặc 30d"),
        ("% is a size such as 4096, 500KiB, 10MiB or 1GiB", "%1 là kích thước như 4096, 500KiB, 10MiB hoặc 1GiB"),
        ("% is longer than % bytes", "%1 dài quá %2 byte"),
        (
            "there is no job %; a preview is kept for an hour, and no more than % of them; edocctl jobs lists what there is",
            "không có công việc %1; bản xem trước được giữ một giờ, và không quá %2 bản; edocctl jobs liệt kê những gì có"
        ),
        ("job % has been applied already: %", "công việc %1 đã được áp dụng rồi: %w2"),
        (
            "job % is a %, not a %; nothing was done",
            "công việc %1 là %2, không phải %3; chưa làm gì"
        ),
        (
            "preview % is older than an hour; look again before you apply it",
            "bản xem trước %1 đã quá một giờ; hãy xem lại trước khi áp dụng"
        ),
        ("job % is not running: %", "công việc %1 không chạy: %w2"),
        ("% cannot be undone", "%1 không hoàn tác được"),
        ("job % has not been applied", "công việc %1 chưa được áp dụng"),
        ("job % is running; cancel it first", "công việc %1 đang chạy; hãy hủy trước"),
        ("job % is undone already", "công việc %1 đã được hoàn tác"),
        (
            "the time for undoing job % is over, or it has changed nothing",
            "đã quá hạn hoàn tác công việc %1, hoặc công việc không thay đổi gì"
        ),
        (
            "the store was full and nothing was changed (%); make room and try again",
            "kho đã đầy và chưa có gì thay đổi (%1); hãy giải phóng chỗ rồi thử lại"
        ),
        (
            "--store only reads; start the daemon for this, and leave --store out",
            "--store chỉ để đọc; việc này cần dịch vụ edocd đang chạy, hãy khởi động và bỏ --store"
        ),
        (
            "being emptied by %: nothing is accepted, and the daemon exits when it is empty",
            "%1 đang cho xả hết: không nhận thêm, dịch vụ edocd sẽ thoát khi kho trống"
        ),
        (
            "emptied by %: nothing is accepted until edocctl drain --cancel",
            "%1 đã cho xả hết: không nhận thêm cho đến khi chạy edocctl drain --cancel"
        ),
        ("the spool of % takes no documents: %", "thư mục giao nhận của %1 không nhận văn bản: %2"),
        (
            "this node's certificate has ended: no link comes up until it is renewed",
            "chứng thư của nút này đã hết hạn: không liên kết nào thông cho đến khi được gia hạn"
        ),
        (
            "this node's certificate ends on %",
            "chứng thư của nút này hết hạn ngày %1"
        ),
        (
            "documents are not taken for want of room: at this time the largest that fits has % bytes",
            "có văn bản không được nhận vì thiếu chỗ: lúc này lớn nhất chỉ nhận được %1 byte"
        ),
        ("held: %; edocctl queue list --state held", "đang giữ: %1; edocctl queue list --state held"),
        ("being deleted: %; edocctl queue list --state deleting", "đang xóa: %1; edocctl queue list --state deleting"),
        ("set aside: %; edocctl queue list --state corrupt", "đã tách riêng: %1; edocctl queue list --state corrupt"),
        ("held by %, job %: %", "do %1 giữ, công việc %2: %=3"),
        ("held by %, job %", "do %1 giữ, công việc %2"),
        (
            "held since the store was restored from a copy: %; edocctl restore list, compare and release",
            "bị giữ từ khi kho được khôi phục từ bản sao: %1; edocctl restore list, compare và release"
        ),
        (
            "the store was restored from a copy and is %: edocctl restore list, compare and release",
            "kho được khôi phục từ bản sao, đang ở bước %1: edocctl restore list, compare và release"
        ),
        (
            "the books of % do not balance: accepted %, accounted for %",
            "sổ %1 không cân: tiếp nhận %2, giải trình được %3"
        ),
        (
            "% of % bytes are here; pieces travel on as they come",
            "đã có %1 trên %2 byte; các mảnh được chuyển tiếp ngay khi đến"
        ),
    ]

    /// Why a link does not get on.
    private static let stuck: [Pair] = [
        ("an operator has suspended it", "người vận hành đã tạm ngừng"),
        ("it says that it has no resources", "nút ấy báo hết tài nguyên"),
        ("% dials failed: %", "%1 lần gọi không được: %2"),
        ("% dials failed", "%1 lần gọi không được"),
        (
            "it dials us, and has not; % wait for it",
            "nút ấy phải tự gọi tới nút này và chưa gọi; %1 đang chờ gửi cho nó"
        ),
        (
            "it is up, % wait for it, and none is under way; edocctl show says why",
            "đang nối, %1 chờ nó mà không lượt nào đang đi; edocctl show cho biết lý do"
        ),
        ("an operator has sent it by way of %", "người vận hành đã cho đi qua %1"),
        (
            "offline: the daemon does not run; what holds it back shows when it does",
            "ngoại tuyến: dịch vụ edocd không chạy; khi chạy mới thấy điều gì cản trở"
        ),
        (
            "% may come back; others take over after the fail-over wait",
            "%1 có thể trở lại; nút khác sẽ thay sau thời gian chờ chuyển tuyến"
        ),
        (
            "the clock is doubted: lifetimes do not end meanwhile",
            "đồng hồ đáng ngờ: trong lúc này thời hạn không kết thúc"
        ),
        ("% takes no pieces: it waits until the whole is here", "%1 không nhận từng mảnh: chờ đến khi đủ cả gói"),
        ("it waits for a free place in the window to %", "chờ chỗ trống trong cửa sổ gửi tới %1"),
        (
            "it is in line for %; what is more urgent or older goes first",
            "đang xếp hàng tới %1; gói khẩn hơn hoặc cũ hơn đi trước"
        ),
        (
            "its lifetime is over: release ends it as expired; at its home node, resubmit makes a new envelope of it",
            "đã hết thời hạn: thả ra thì kết thúc là hết hạn; ở nút chủ, resubmit tạo gói tin mới từ nó"
        ),
        ("% is suspended by % until resumed: %", "%1 bị %2 tạm ngừng cho đến khi mở lại: %=3"),
        ("agency % is suspended by % until resumed: %", "cơ quan %1 bị %2 tạm ngừng cho đến khi mở lại: %=3"),
        ("peer % is suspended by % until resumed: %", "nút kề %1 bị %2 tạm ngừng cho đến khi mở lại: %=3"),
        ("agency % is suspended", "cơ quan %1 đang bị tạm ngừng"),
        ("peer % is suspended", "nút kề %1 đang bị tạm ngừng"),
        ("handing over to the agency's spool", "đang chuyển vào thư mục giao nhận của cơ quan"),
        ("handing over to the agency's spool here", "đang chuyển vào thư mục giao nhận của cơ quan ở đây"),
        ("deleted by an operator, who may still undo it", "người vận hành đã xóa, còn hoàn tác được"),
        ("% is up, and its session is ending", "%1 đang nối, phiên sắp kết thúc"),
        (
            "% is up, and its window is full: % of % transfers, % of % bytes not answered",
            "%1 đang nối, cửa sổ gửi đã đầy: %2 trên %3 lượt, %4 trên %5 byte chưa được trả lời"
        ),
        ("% is no peer of this node", "%1 không phải nút kề của nút này"),
        ("it waited at % at that time; no report has come since", "lúc ấy nó chờ ở %1; từ đó chưa có báo cáo"),
    ]

    /// What bounds there are, and what happens at each.
    private static let limits: [Pair] = [
        ("store without its reserve", "kho, không kể dự trữ"),
        ("largest document that there is room for", "văn bản lớn nhất còn đủ chỗ"),
        (
            "larger ones are not taken until some have gone on",
            "văn bản lớn hơn chưa được nhận cho đến khi có văn bản được chuyển đi"
        ),
        ("store.map_size, or the disk", "store.map_size, hoặc đĩa"),
        ("nothing is accepted; what waits is still forwarded", "không nhận thêm; những gì đang chờ vẫn được chuyển đi"),
        ("not even what takes nothing in can be written", "không ghi được gì nữa, kể cả việc không nhận thêm"),
        ("promised to documents coming in", "đã hứa cho văn bản đang đến"),
        ("no resources for more", "hết tài nguyên cho phần thêm"),
        ("active envelopes", "gói tin đang gửi"),
        ("the others wait in the durable queue", "các gói khác chờ trong hàng đợi trên đĩa"),
        ("built in", "có sẵn"),
        ("reserve", "dự trữ"),
        ("wake-ups", "lần hẹn xem lại"),
        ("lifetime", "thời hạn"),
        ("hops", "số chặng"),
        ("all lanes are looked at instead of one", "xem mọi làn thay vì một làn"),
        ("window to %, bytes", "cửa sổ gửi tới %1, byte"),
        ("sent on as it answers", "gửi tiếp khi nút ấy trả lời"),
        ("window to %, transfers", "cửa sổ gửi tới %1, lượt"),
        ("envelopes of peer %", "gói tin của nút kề %1"),
        ("bytes of peer %", "byte của nút kề %1"),
        ("room kept for peer %", "chỗ giữ riêng cho nút kề %1"),
        ("nobody else is given what is left of it", "phần còn lại không ai khác được dùng"),
        ("envelopes of sender %", "gói tin của cơ quan gửi %1"),
        ("bytes of sender %", "byte của cơ quan gửi %1"),
        ("no resources for it until some have gone on", "hết tài nguyên cho nó đến khi bớt đi một số"),
        ("bytes of one document", "byte của một văn bản"),
        ("refused: too large", "bị từ chối: quá lớn"),
        ("recipients of one document", "nơi nhận của một văn bản"),
        ("refused as a loop", "bị từ chối vì lặp vòng"),
        ("stops of a path", "chặng của một đường đi"),
        ("rows of one report", "dòng của một báo cáo"),
        ("the next report takes the rest", "báo cáo sau mang phần còn lại"),
        ("bytes received, not yet durable", "byte đã nhận, chưa ghi chắc"),
        (
            "links and submitters are not read until half of it is durable",
            "tạm không đọc liên kết và nơi nộp đến khi một nửa đã ghi chắc"
        ),
        ("sessions that others opened", "phiên do nút khác mở"),
        ("further connections are closed", "kết nối thêm sẽ bị đóng"),
        ("bytes of one batch", "byte của một mẻ ghi"),
        ("the next transaction takes the rest", "giao dịch sau mang phần còn lại"),
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
            "in doubt at %: it may have been on the link when this node crashed; others are asked later",
            "chưa rõ %1 đã nhận chưa: có thể đang gửi lúc nút này gặp sự cố; các nút khác được hỏi sau"
        ),
        (
            "in doubt at %: it was sent whole and not answered; others are asked later",
            "chưa rõ ở %1: đã gửi trọn mà chưa có trả lời; các nút khác được hỏi sau"
        ),
        ("the active set (%) has no place left for %", "tập đang gửi (%1) hết chỗ cho %2"),
        ("in the agency's inbox, not yet taken", "trong hộp văn bản đến của cơ quan, chưa được lấy"),
        ("held by an operator", "người vận hành đang giữ lại"),
        ("taken by %", "%1 đã nhận"),
        ("the agency has taken it", "cơ quan đã lấy"),
        ("refused: %", "bị từ chối: %w1"),
        ("its lifetime ended", "đã hết thời hạn"),
        (
            "an operator has ended it before its lifetime was over",
            "người vận hành đã cho kết thúc trước khi hết thời hạn"
        ),
        ("deleted by an operator", "người vận hành đã xóa"),
        ("% is no longer a peer", "%1 không còn là nút kề"),
        ("% is suspended", "%1 đang bị tạm ngừng"),
        ("% has no resources and is left alone for a while", "%1 hết tài nguyên, tạm để yên một lúc"),
        (
            "% has no room for % bytes or more; smaller ones go, and it is asked again in a while",
            "%1 không còn chỗ cho văn bản từ %2 byte; nhỏ hơn vẫn đi, lát nữa hỏi lại"
        ),
        ("the share of sender %", "phần của bên gửi %1"),
        ("the share of records", "phần của bản ghi"),
        (
            "% at % is used up: one of it finds out when there is room, the others wait",
            "%1 tại %2 đã hết: một văn bản sẽ thử khi có chỗ, các văn bản khác chờ"
        ),
        ("peer has no resources, paused", "nút láng giềng hết tài nguyên, tạm ngừng gửi"),
        (
            "peer has no resources for % bytes or more, paused for these",
            "nút láng giềng không còn chỗ cho văn bản từ %1 byte, tạm ngừng gửi cỡ đó"
        ),
        ("%'s session is ending; the next one is awaited", "phiên với %1 đang kết thúc; chờ phiên kế tiếp"),
        ("% is up", "%1 đang nối"),
        ("its payload cannot be read back", "không đọc lại được nội dung"),
        (
            "held (suspect): in hand at two crashes of the daemon running",
            "giữ lại (nghi vấn): đang được xử lý ở hai lần dịch vụ edocd đổ liên tiếp"
        ),
        (
            "the store is full up to its reserve: nothing is accepted, what waits is still forwarded",
            "kho đã đầy đến mức dự trữ: không nhận thêm, những gì đang chờ vẫn được chuyển đi"
        ),
        ("the clock is not believed: expiry is suspended", "đồng hồ không đáng tin: tạm ngừng tính hết hạn"),
        ("links down: %", "liên kết mất: %1"),
        ("1 more is down: %", "còn 1 liên kết nữa bị mất: %=1"),
        ("% more are down: %", "còn %n1 liên kết nữa bị mất: %=2"),
        (
            "refused by every next hop, tried until retry.refusal_grace is over: %; edocctl queue list --answer \"not acceptable\"",
            "mọi nút kế tiếp đều từ chối, còn thử lại đến khi hết retry.refusal_grace: %1; edocctl queue list --answer \"not acceptable\""
        ),
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
}
