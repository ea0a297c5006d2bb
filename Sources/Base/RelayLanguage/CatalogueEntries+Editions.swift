// CatalogueEntries+Editions: what is wrong with an edition of the national directory or with a table of agencies, by template, and what it
// is in Vietnamese. Codes, names of fields and the words of the format stay as they are.

extension CatalogueEntries {
    static let editions: [Pair] = [
        editionOctets, editionFields, editionRows, editionAgencies, editionAuthorities, editionSuccession, agencyTables,
    ].flatMap { $0 }

    private static let editionOctets: [Pair] = [
        ("line %, field %: % [%]", "dòng %1, trường %=2: %3 [%=4]"),
        ("the edition ends before its end", "ấn bản kết thúc giữa chừng"),
        ("the edition is larger than % octets", "ấn bản lớn hơn %1 byte"),
        ("the file is larger than % octets", "tệp lớn hơn %1 byte"),
        ("the line is longer than % octets", "dòng dài hơn %1 byte"),
        ("the line ends too early", "dòng kết thúc quá sớm"),
        ("something stands behind the end", "còn nội dung sau chỗ kết thúc"),
        ("a comma stands behind the last row", "có dấu phẩy sau hàng cuối"),
        ("no comma stands behind the row before", "thiếu dấu phẩy sau hàng trước"),
        ("white space stands where none may be", "có khoảng trắng ở chỗ không được phép"),
        ("a control character stands in the line", "trong dòng có ký tự điều khiển"),
        ("octet % of the line is not what comes here", "byte thứ %1 của dòng không phải là thứ phải có ở đây"),
        ("octet % of the line is not UTF-8", "byte thứ %1 của dòng không phải UTF-8"),
        (
            "the character U+% is not seen, or looks like another",
            "ký tự U+%=1 không nhìn thấy được, hoặc trông giống ký tự khác"
        ),
        (
            "the mark U+% stands apart from its letter; write it composed, NFC",
            "dấu U+%=1 tách rời chữ của nó; hãy viết dạng dựng sẵn, NFC"
        ),
        ("only the quote and the backslash are escaped", "chỉ dấu nháy kép và dấu gạch chéo ngược được thoát"),
        ("the text begins or ends with a space", "văn bản bắt đầu hoặc kết thúc bằng dấu cách"),
        ("a text does not end in its line", "có văn bản không kết thúc trong dòng của nó"),
        ("another format than %, which this program reads", "khác với định dạng %1 mà chương trình này đọc"),
        (
            "this is the form %, and the other was wanted",
            "đây là dạng %=1, trong khi cần dạng kia"
        ),
    ]

    private static let editionFields: [Pair] = [
        ("the field is missing", "thiếu trường này"),
        ("there is no field % here", "ở đây không có trường %=1"),
        ("the field stands twice, or not in its place", "trường xuất hiện hai lần hoặc không đúng chỗ"),
        ("an empty list is left out", "danh sách rỗng thì phải bỏ"),
        ("an empty text is left out", "văn bản rỗng thì phải bỏ"),
        ("the list has more than % elements", "danh sách có quá %1 phần tử"),
        ("the list has an element twice", "danh sách có một phần tử hai lần"),
        (
            "the elements of the list are not in ascending order, each once",
            "các phần tử của danh sách không theo thứ tự tăng dần, mỗi phần tử một lần"
        ),
        ("the text is longer than % octets", "văn bản dài hơn %1 byte"),
        ("the number is above %", "số lớn hơn %1"),
        ("not a number in plain digits", "không phải số viết bằng chữ số thường"),
        (
            "not a code: 1 to % of A–Z, a–z, 0–9, - and _ in groups parted by dots",
            "không phải mã: 1 đến %1 ký tự A–Z, a–z, 0–9, - và _ thành nhóm cách nhau bằng dấu chấm"
        ),
        ("not the short name of a node", "không phải tên ngắn của một nút"),
        ("not a subtree such as H29.*", "không phải nhánh mã như H29.*"),
        ("not the name of a feature", "không phải tên một tính năng"),
        (
            "not a moment: a day such as 2026-07-01, or 2026-07-01T12:00:00+07:00 within a day",
            "không phải thời điểm: một ngày như 2026-07-01, hoặc 2026-07-01T12:00:00+07:00 trong ngày"
        ),
        ("not one of %", "không phải một trong: %=1"),
        ("not 64 hexadecimal digits in lower case", "không phải 64 chữ số thập lục phân viết thường"),
        ("not a certificate in base64 of up to % octets", "không phải chứng thư base64 tối đa %1 byte"),
        ("not an address such as edoc.example.vn:4556", "không phải địa chỉ như edoc.example.vn:4556"),
        ("not one of true", "không phải true"),
        ("editions are counted from 1", "ấn bản được đánh số từ 1"),
        ("edition 1 has none before it", "trước ấn bản 1 không có ấn bản nào"),
    ]

    private static let editionRows: [Pair] = [
        (
            "no row of a kind that is known: agency, node or authority",
            "không phải hàng thuộc loại đã biết: agency, node hoặc authority"
        ),
        ("a whole removes nothing", "bản toàn văn không xóa gì"),
        ("only the root's editions name authorities", "chỉ ấn bản của gốc nêu các cơ quan phát hành"),
        ("the row stands twice: %", "hàng xuất hiện hai lần: %=1"),
        (
            "the rows are not in the order of their keys: % after %",
            "các hàng không theo thứ tự khóa: %=1 đứng sau %=2"
        ),
        ("more than % rows", "quá %1 hàng"),
        ("more rows than the % of the head", "nhiều hàng hơn số %1 mà phần đầu nêu"),
        ("the head says % rows, and there are %", "phần đầu nêu %1 hàng, nhưng có %2"),
        ("the hash of the rows is not that of the head", "mã băm của các hàng không đúng như phần đầu nêu"),
        ("the changes set % to what it is already", "bản thay đổi đặt %=1 đúng như đang có"),
        ("the changes remove %, which is not there", "bản thay đổi xóa %=1, vốn không có"),
    ]

    private static let editionAgencies: [Pair] = [
        ("the code is used twice", "mã được dùng hai lần"),
        (
            "the code names the authority above all, and no agency",
            "mã này là tên cơ quan phát hành gốc, không phải của cơ quan nào"
        ),
        ("% may not publish the code %", "%=1 không được công bố mã %=2"),
        ("% may not give the alias %", "%=1 không được đặt tên khác %=2"),
        ("the alias % is also that of %", "tên khác %=1 cũng là của %=2"),
        ("the alias % is the code of an agency", "tên khác %=1 là mã của một cơ quan"),
        ("% stands behind %", "%1 đứng sau %2"),
        ("closed at %, and % at %", "đóng từ %1, mà lại %w2 từ %3"),
        ("planned at %, when it was % before", "dự kiến từ %1, trong khi trước đó đã %w2"),
        ("% at %, as it was before", "%w1 từ %2, như trước đó"),
        (
            "closed at %, and nobody takes its documents until %",
            "đóng từ %1, và đến %2 mới có nơi nhận văn bản thay"
        ),
        ("it has a successor at %, and does not close", "có nơi kế thừa từ %1 mà không đóng"),
        ("joined at %, and without a home until %", "tham gia từ %1 mà đến %2 mới có nút nhà"),
        ("joined at %, and without a home", "tham gia từ %1 mà không có nút nhà"),
        ("the node % is a hub, and no agency's home", "nút %=1 là nút trung chuyển, không phải nhà của cơ quan nào"),
        ("the node % is not in the directory", "nút %=1 không có trong danh bạ"),
        ("its parents lead back to it, by way of %", "các cấp trên dẫn trở lại chính nó, qua %=1"),
        ("it lies more than % levels deep", "nằm sâu quá %1 cấp"),
        ("the parent % is not in the directory", "cấp trên %=1 không có trong danh bạ"),
        ("its parent % closes at %, and it does not", "cấp trên %=1 đóng từ %2, còn nó thì không"),
        ("its successors lead back to it, by way of %", "các nơi kế thừa dẫn trở lại chính nó, qua %=1"),
        ("more than % successors follow one another", "quá %1 nơi kế thừa nối tiếp nhau"),
        ("the successor % is not in the directory", "nơi kế thừa %=1 không có trong danh bạ"),
        ("the successor % takes no documents at %: %", "nơi kế thừa %=1 không nhận văn bản vào lúc %2: %w3"),
        ("not yet planned", "chưa dự kiến"),
    ]

    private static let editionAuthorities: [Pair] = [
        ("the edition ends at %, and begins at %", "ấn bản kết thúc lúc %1, mà bắt đầu lúc %2"),
        ("the edition is of %, not of %", "ấn bản là của %=1, không phải của %=2"),
        (
            "the authority would close itself at %; the one above it does that",
            "cơ quan phát hành sẽ tự đóng mình từ %1; việc đó do cơ quan phát hành cấp trên làm"
        ),
        ("% may not publish the node %", "%=1 không được công bố nút %=2"),
        ("the node is % in another spelling", "nút này là %=1 viết cách khác"),
        (
            "there is neither a certificate nor an issuer by which the node proves itself",
            "không có chứng thư hay nơi cấp nào để nút chứng minh danh tính"
        ),
        ("a certificate ends at %, and begins at %", "có chứng thư kết thúc lúc %1, mà bắt đầu lúc %2"),
        (
            "the certificate in the row is not that of the fingerprint %",
            "chứng thư trong hàng không khớp dấu vân tay %=1"
        ),
        (
            "a root edition names the root itself, with its certificates",
            "ấn bản gốc phải nêu chính gốc, với các chứng thư của nó"
        ),
        (
            "the root has the subtree *, and no other authority has it",
            "gốc có nhánh *, và không cơ quan phát hành nào khác có nhánh đó"
        ),
        ("the subtree % is also that of %", "nhánh mã %=1 cũng là của %=2"),
        ("the node % is also named for %", "nút %=1 cũng được nêu cho %=2"),
        ("the certificate % is also that of %", "chứng thư %=1 cũng là của %=2"),
        ("it needs no signature", "không cần chữ ký nào"),
        ("it needs % signatures, and has % certificates", "cần %1 chữ ký mà chỉ có %2 chứng thư"),
        ("the certificate % has two places", "chứng thư %=1 có hai chỗ"),
        ("no certificate % is there to be followed", "không có chứng thư %=1 để được thay thế"),
    ]

    private static let editionSuccession: [Pair] = [
        (
            "edition % is older than edition %, which counts here",
            "ấn bản %1 cũ hơn ấn bản %2 đang có hiệu lực ở đây"
        ),
        (
            "there are two editions %: % counts here, and this is %",
            "có hai ấn bản %1: ở đây dùng %=2, còn đây là %=3"
        ),
        (
            "between edition %, which counts here, and edition % some are missing",
            "giữa ấn bản %1 đang có hiệu lực ở đây và ấn bản %2 còn thiếu ấn bản"
        ),
        ("the edition follows %, and % counts here", "ấn bản nối tiếp %=1, trong khi ở đây dùng %=2"),
        ("the edition was valid until %", "ấn bản có hiệu lực đến %1"),
        ("the edition is valid from %", "ấn bản có hiệu lực từ %1"),
        (
            "the edition is valid from %, and the one before it from %",
            "ấn bản có hiệu lực từ %1, còn ấn bản trước nó từ %2"
        ),
        ("the edition ends before it begins", "ấn bản kết thúc trước khi bắt đầu"),
        ("the edition has % rows, and % are allowed", "ấn bản có %1 hàng, chỉ được phép %2"),
        ("the authority may not publish %", "cơ quan phát hành không được công bố %=1"),
        ("the root would remove itself", "gốc sẽ tự xóa mình"),
        (
            "it would be removed without having been closed for % days",
            "sẽ bị xóa khi chưa đóng đủ %1 ngày"
        ),
        ("closed at %, and it would come back within % days", "đóng từ %1, mà lại trở lại trong vòng %2 ngày"),
        ("what is said of the time before % becomes another", "điều đã nêu về thời gian trước %1 trở thành khác"),
    ]

    private static let agencyTables: [Pair] = [
        ("row %: % [%]", "hàng %1: %2 [%=3]"),
        ("more than % rows; the rest is left out", "quá %1 hàng; phần còn lại bị bỏ"),
        (
            "the first row does not name the columns code and name",
            "hàng đầu không nêu các cột code và name"
        ),
        ("the row is too long; it is left out", "hàng quá dài; hàng này bị bỏ"),
        ("the row is not UTF-8; it is left out", "hàng không phải UTF-8; hàng này bị bỏ"),
        (
            "a quote is not closed, or text stands behind it; the row is left out",
            "dấu nháy kép không đóng, hoặc có chữ đứng sau nó; hàng này bị bỏ"
        ),
        ("the column % stands twice; the first counts", "cột %=1 xuất hiện hai lần; lấy cột đầu"),
        ("% is not a code; the row is left out", "%=1 không phải mã; hàng này bị bỏ"),
        ("the code % stands in row % too; the row is left out", "mã %=1 cũng có ở hàng %2; hàng này bị bỏ"),
        ("the name is empty; the code stands for it", "tên để trống; lấy mã làm tên"),
        ("the name is longer than % octets; the row is left out", "tên dài hơn %1 byte; hàng này bị bỏ"),
        (
            "the name had spaces, signs or marks that are not seen; they are mended",
            "tên có dấu cách, ký hiệu hoặc dấu không nhìn thấy; đã sửa"
        ),
        ("the mail address is longer than % octets; it is left out", "địa chỉ thư dài hơn %1 byte; bị bỏ"),
        ("the id % stands in row % too, which counts", "id %=1 cũng có ở hàng %2, lấy hàng đó"),
        ("the old code % is not a code; it is left out", "mã cũ %=1 không phải mã; bị bỏ"),
        ("more than % old codes; the rest is left out", "quá %1 mã cũ; phần còn lại bị bỏ"),
        ("the old code % is the code of row %; it is left out", "mã cũ %=1 là mã của hàng %2; bị bỏ"),
        ("the old code % is also that of row %; it is left out", "mã cũ %=1 cũng là của hàng %2; bị bỏ"),
        (
            "no home is given for its code; it is planned, and not joined",
            "không có nút nhà cho mã này; ghi là dự kiến, chưa tham gia"
        ),
        ("the parent % is in no row; it stands without one", "cấp trên %=1 không có ở hàng nào; để không có cấp trên"),
        (
            "its parents lead back to it, by way of %; it stands without one",
            "các cấp trên dẫn trở lại chính nó, qua %=1; để không có cấp trên"
        ),
        (
            "it lies more than % levels deep; it stands without a parent",
            "nằm sâu quá %1 cấp; để không có cấp trên"
        ),
    ]
}
