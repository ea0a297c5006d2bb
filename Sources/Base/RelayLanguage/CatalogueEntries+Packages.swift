// CatalogueEntries+Packages: what is wrong with an edXML package and with documents handed in, why they are refused, by
// template, and what it is in Vietnamese.

extension CatalogueEntries {
    static let packages: [Pair] = edXML + edXMLFields + base64 + causes + toolFiles

    private static let edXML: [Pair] = [
        ("line %: % [%]", "dòng %1: %2 [%=3]"),
        ("line %, column %: % [%]", "dòng %1, cột %2: %3 [%=4]"),
        ("The encoding is %; a package must be UTF-8.", "Bảng mã là %=1; gói phải dùng UTF-8."),
        ("Elements lie more than % deep.", "Các phần tử lồng nhau quá %1 tầng."),
        ("% stands twice where one may be.", "%1 có hai lần trong khi chỉ được một."),
        ("The element % stands where only text may be.", "Phần tử %1 nằm ở chỗ chỉ được có văn bản."),
        (
            "The base64 text of ContentTransferEncoded is broken: %.",
            "Văn bản base64 của ContentTransferEncoded bị hỏng: %1."
        ),
        (
            "The text of an element is longer than the % bytes allowed there.",
            "Nội dung một phần tử dài quá %1 byte cho phép ở đó."
        ),
        ("There is no edXMLEnvelope/edXMLHeader/MessageHeader.", "Không có edXMLEnvelope/edXMLHeader/MessageHeader."),
        (
            "There is no From/OrganId: the sender is not named.",
            "Không có From/OrganId: không nêu cơ quan gửi."
        ),
        ("There is no To/OrganId: no recipient is named.", "Không có To/OrganId: không nêu nơi nhận."),
        (
            "StatusCode and To stand in one header: it is neither document nor status.",
            "StatusCode và To cùng ở một phần đầu: không phải văn bản, cũng không phải trạng thái."
        ),
        (
            "A status package must have one ResponseFor; this has %.",
            "Gói trạng thái phải có đúng một ResponseFor; gói này có %1."
        ),
        (
            "The status package has no ResponseFor/OrganId: no recipient is named.",
            "Gói trạng thái không có ResponseFor/OrganId: không nêu nơi nhận."
        ),
        (
            "This is the old dialect (SOAP envelope of 2012 or 2014), which is not supported; send the file form of QCVN 102:2016.",
            "Đây là dạng cũ (phong bì SOAP năm 2012 hoặc 2014), không được hỗ trợ; hãy gửi dạng tệp theo QCVN 102:2016."
        ),
        ("The root element is %, not edXML.", "Phần tử gốc là %1, không phải edXML."),
        ("The element % has no namespace; it must be %.", "Phần tử %1 không có không gian tên; phải là %2."),
        ("The element % is in %; it must be in %.", "Phần tử %1 thuộc %2; phải thuộc %3."),
        ("There are more than % recipients.", "Có quá %1 nơi nhận."),
        ("There are more than % attachments.", "Có quá %1 tệp đính kèm."),
        ("% has no OrganId.", "%1 không có OrganId."),
        (
            "A tag, comment or instruction is longer than % bytes.",
            "Một thẻ, chú thích hoặc chỉ thị dài quá %1 byte."
        ),
        (
            "The package is in UTF-32, or in UTF-16 without a byte order mark; it must be UTF-8.",
            "Gói dùng UTF-32, hoặc UTF-16 không có dấu thứ tự byte; phải dùng UTF-8."
        ),
        (
            "The bytes are not in the encoding that the package declares.",
            "Nội dung không đúng bảng mã mà gói khai báo."
        ),
        ("No memory for the XML parser.", "Không đủ bộ nhớ cho bộ phân tích XML."),
        ("The XML is not well-formed: %.", "XML không đúng dạng: %w1."),
        ("The package has a DOCTYPE; none is allowed.", "Gói có DOCTYPE; không được phép có."),
    ]

    private static let edXMLFields: [Pair] = [
        ("%/OrganId is empty.", "%1/OrganId để trống."),
        ("%/OrganId is the word \"null\", not a code.", "%1/OrganId là chữ \"null\", không phải mã."),
        (
            "%/OrganId is %; a code is at most % letters, digits, \"-\" and \"_\" in groups parted by dots.",
            "%1/OrganId là %=2; mã gồm nhiều nhất %3 chữ cái, chữ số, \"-\" và \"_\", chia nhóm bằng dấu chấm."
        ),
        ("Priority is %; it must be 0, 1, 2, 3 or 4.", "Priority là %=1; phải là 0, 1, 2, 3 hoặc 4."),
        (
            "StatusCode is %; it must be two digits such as 03.",
            "StatusCode là %=1; phải là hai chữ số, ví dụ 03."
        ),
        (
            "% is %; it must be yyyy/MM/dd, such as 2026/03/09.",
            "%1 là %=2; phải theo dạng yyyy/MM/dd, ví dụ 2026/03/09."
        ),
        (
            "DueDate is %; it must be yyyy/MM/dd, such as 2026/03/09.",
            "DueDate là %=1; phải theo dạng yyyy/MM/dd, ví dụ 2026/03/09."
        ),
        ("Timestamp is %; it must be yyyy/MM/dd HH:mm:ss.", "Timestamp là %=1; phải theo dạng yyyy/MM/dd HH:mm:ss."),
        (
            "TraceHeader/Timestamp is %; it should be yyyy/MM/dd HH:mm:ss.",
            "TraceHeader/Timestamp là %=1; nên theo dạng yyyy/MM/dd HH:mm:ss."
        ),
        ("DueDate is %, read as %.", "DueDate là %=1, hiểu là %2."),
        ("Priority is %, read as %.", "Priority là %=1, hiểu là %2."),
        ("% is %, read as %: a date has no time.", "%1 là %=2, hiểu là %3: ngày không có giờ."),
        ("% is %, read as %: month and day have two digits.", "%1 là %=2, hiểu là %3: tháng và ngày có hai chữ số."),
        ("A package in UTF-16 begins with a byte order mark.", "Gói UTF-16 phải bắt đầu bằng dấu thứ tự byte."),
        ("The edXML package is in UTF-16; it should be UTF-8.", "Gói edXML dùng UTF-16; nên dùng UTF-8."),
        (
            "% uses the prefix %, which is bound to no namespace.",
            "%=1 dùng tiền tố %2, tiền tố này không gắn với không gian tên nào."
        ),
        ("The prefix % is bound to no namespace.", "Tiền tố %=1 không gắn với không gian tên nào."),
        ("% may not be bound to %.", "%=1 không được gắn với %=2."),
        (
            "More than % namespaces are declared in open elements.",
            "Các phần tử đang mở khai báo quá %1 không gian tên."
        ),
        ("The attribute % stands twice.", "Thuộc tính %=1 có hai lần."),
        ("% is no name of an element or attribute.", "%=1 không phải tên phần tử hay thuộc tính."),
        (
            "AttachmentEncoded has an empty namespace; it should be that of the root.",
            "AttachmentEncoded có không gian tên rỗng; nên là không gian tên của phần tử gốc."
        ),
        (
            "The base64 text of ContentTransferEncoded ends without its padding.",
            "Văn bản base64 của ContentTransferEncoded thiếu phần đệm ở cuối."
        ),
        ("% more warnings", "%1 cảnh báo nữa"),
        ("code: %", "mã: %1"), ("recipients: %", "nơi nhận: %1"), ("document ID: %", "mã văn bản: %1"),
        ("subject: %", "trích yếu: %1"), ("priority: %", "độ khẩn: %1"), ("sent at: %", "thời điểm gửi: %1"),
        ("attachments: %", "tệp đính kèm: %1"), ("attachment name: %", "tên tệp đính kèm: %1"),
        ("text: %", "nội dung: %1"),
        ("% is not an agency code.", "%=1 không phải mã cơ quan."), ("There must be 1 to %.", "Phải có từ 1 đến %1."),
        ("It must have 1 to % bytes.", "Phải dài từ 1 đến %1 byte."), ("It must be 0 to 4.", "Phải từ 0 đến 4."),
        ("There may be at most %.", "Chỉ được có nhiều nhất %1."),
        (
            "% is too long or has characters that XML cannot carry.",
            "%=1 quá dài hoặc có ký tự mà XML không mang được."
        ),
        ("The file % cannot be read (errno %).", "Không đọc được tệp %=1 (errno %2)."),
        ("The file % changed while it was packaged.", "Tệp %=1 thay đổi trong lúc đóng gói."),
        (
            "The file % is too large for a ZIP that the receivers read.",
            "Tệp %=1 quá lớn so với tệp ZIP mà bên nhận đọc được."
        ),
    ]

    private static let base64: [Pair] = [
        ("a character stands after the padding", "có ký tự sau phần đệm"),
        ("padding stands where none may be", "phần đệm nằm sai chỗ"),
        ("the bits under the padding are not zero", "các bit dưới phần đệm khác không"),
        ("a character outside the base64 alphabet", "có ký tự không thuộc bảng chữ base64"),
        ("the text ends inside a group of four characters", "văn bản hết giữa một nhóm bốn ký tự"),
    ]

    /// Why something was refused, as the books count it.
    private static let causes: [Pair] = [
        ("duplicate", "trùng"), ("creationInFuture", "lập ở tương lai"), ("hopLimit", "quá số chặng"),
        ("pathTooLong", "đường đi quá dài"), ("tooLarge", "quá lớn"), ("notAuthorised", "không có thẩm quyền"),
        ("unknownAgency", "cơ quan không có trong danh bạ"), ("noRoute", "không có tuyến"),
        ("storeInPieces", "kho phân mảnh"), ("noResources", "hết tài nguyên"), ("quota", "hết hạn mức"),
        ("draining", "đang xả hết"),
        ("digestMismatch", "mã băm không khớp"), ("contentConflict", "nội dung mâu thuẫn"),
        ("badCopy", "bản sao sai"), ("lostInPart", "mảnh đầu mất theo kho cũ"), ("falseReturn", "trả lại sai"),
        ("tooManyPieces", "quá nhiều mảnh"), ("tooManyCopies", "quá nhiều bản"), ("letGo", "nhận dở, đã thôi"),
        ("unknownPeer", "nút kề lạ"), ("forgedReport", "báo cáo giả"), ("badPayload", "nội dung sai"),
        ("submit", "nộp văn bản"),
    ]

    /// Of files that this tool reads and writes.
    private static let toolFiles: [Pair] = [
        ("% exists already; give --force to write over it", "đã có %1; hãy thêm --force để ghi đè"),
        ("the standard output", "đầu ra chuẩn"),
    ]
}
