// CatalogueEntries+Numbers: what is said where a number belongs to two documents, or an identity to two daemons, and what it is in
// Vietnamese.

extension CatalogueEntries {
    static let numbers: [Pair] = [
        (
            "another document came under a number that is known here",
            "một văn bản khác đến dưới số mà nút này đã biết"
        ),
        (
            "another document is known there under its number",
            "nút ấy đã biết một văn bản khác dưới cùng số"
        ),
        ("another document is known under its number", "đã có văn bản khác dưới cùng số"),
        ("goes on under a new name", "đi tiếp dưới tên mới"),
        (
            "it goes back to %: another document is known under its number",
            "bản này quay về %1: đã có văn bản khác dưới cùng số"
        ),
        (
            "this node has gone back to an earlier state, or has a double: %",
            "nút này đã quay về trạng thái cũ, hoặc có bản sao đang chạy: %1"
        ),
        ("% knows another document under a number of this node", "%1 biết một văn bản khác dưới số của nút này"),
        (
            "% sends back what another document's number had",
            "%1 gửi trả văn bản mang số của văn bản khác"
        ),
        (
            "this node has gone back to an earlier state: % has taken its number %, and it has given %",
            "nút này đã quay về trạng thái cũ: %1 đã nhận số %2, còn nút này mới cấp đến %3"
        ),
        ("this node gives its numbers anew", "nút này cấp số lại từ đầu"),
        (
            "the clock is doubted: the neighbour is asked for the time",
            "đồng hồ bị nghi sai: hỏi giờ của nút lân cận"
        ),
        ("sent again as %", "gửi lại dưới tên %1"),
        (
            "envelopes accepted since then and sent under new names: %",
            "số gói tin nhận từ lúc đó và gửi dưới tên mới: %1"
        ),
        ("only documents come back", "chỉ văn bản mới được gửi trả"),
        ("it was not sent from here to %", "nút này chưa gửi bản ấy cho %1"),
        ("it was renamed once", "bản này đã đổi tên một lần"),
        ("it cannot go back any further", "bản này không thể quay về xa hơn"),
        ("it is not known yet who the peer is", "chưa rõ nút kề là ai"),
        (
            "another one with this node's identity has a session, and answers",
            "một nút khác cùng danh tính đang có phiên và vẫn trả lời"
        ),
        ("the peer has begun anew, and does not answer here", "nút kề đã khởi động lại và không trả lời ở phiên này"),
        (
            "two nodes with one identity: a second one was not let in, the first answers",
            "hai nút cùng một danh tính: nút thứ hai không được nối, nút thứ nhất vẫn trả lời"
        ),
        (
            "two nodes with one identity: a second one from % was not let in, the first answers",
            "hai nút cùng một danh tính: nút thứ hai từ %1 không được nối, nút thứ nhất vẫn trả lời"
        ),
        ("another one with this identity has a session", "một nút khác cùng danh tính này đang có phiên"),
        (
            "another one with this node's identity has a session with %: a copy of this node runs, or its key was stolen",
            "một nút khác mang danh tính của nút này đang có phiên với %1: có bản sao của nút đang chạy, hoặc khóa đã bị đánh cắp"
        ),
        ("duplicateByNumber", "trùng, chỉ theo số"), ("falseReturn", "trả lại sai"),
    ]
}
