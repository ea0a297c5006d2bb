// Sentences of the relay as they come to an operator, whole: put together of parts, with names, spans and what the system says in them.

import Language
import RelayLanguage
import Testing

@Suite struct RelaySentenceTests {
    private func vietnamese(_ english: String) -> String {
        Language.$spoken.withValue(.vietnamese) { RelaySentence.inLanguage(english) }
    }

    @Test(arguments: [
        (
            "hcm is down for 19d, 1 dial failed: 10.0.0.7:4556: Connection refused",
            "hcm mất nối 19 ngày, 1 lần gọi không được: 10.0.0.7:4556: kết nối bị từ chối"
        ),
        (
            "hcm is down for 5m, 12 dials failed: the certificate of \"hcm\" has expired",
            "hcm mất nối 5 phút, 12 lần gọi không được: chứng thư của \"hcm\" đã hết hạn"
        ),
        (
            "hcm is down for 45s; it dials us: The peer ended the session (idle timeout).",
            "hcm mất nối 45 giây; nút ấy gọi tới nút này: nút kề kết thúc phiên (hết giờ nhàn rỗi)"
        ),
        (
            "3 dials failed: the peer ended the session while reading with alert 45, certificate expired",
            "3 lần gọi không được: nút kề kết thúc phiên TLS khi đang đọc, với cảnh báo 45 (chứng thư đã hết hạn)"
        ),
        (
            "1 dial failed: The connection failed: Connection reset by peer.",
            "1 lần gọi không được: kết nối không thành: bên kia cắt kết nối"
        ),
        (
            "The peer announces dtn://hue/, but dtn://hcm/ was dialled.",
            "nút kề xưng là dtn://hue/, nhưng đã gọi dtn://hcm/"
        ),
        ("deferred after 3 attempts: not acceptable", "hoãn sau 3 lần thử: không chấp nhận"),
        ("hcm: not acceptable", "hcm: không chấp nhận"),
        ("hue is up, and comes after hcm", "hue đang nối, và đứng sau hcm"),
        (
            "agency H26 is suspended by root for another 2h: the store is full",
            "cơ quan H26 bị root tạm ngừng thêm 2 giờ: the store is full"
        ),
        ("it says that it has no resources, asked again in 30s", "nút ấy báo hết tài nguyên, hỏi lại sau 30 giây"),
        (
            "1 transfer is under way, and nothing was acknowledged for 12s",
            "1 lượt truyền đang đi, đã 12 giây không có xác nhận nào"
        ),
        (
            "edocd.yaml:3:1: peer: expected a known key, found \"peer\"; did you mean peers?",
            "edocd.yaml:3:1: peer: cần khóa có trong danh mục, nhưng gặp: \"peer\"; có phải là peers?"
        ),
        (
            "agencies.yaml:9:5: routes[2].via: expected at least one peer, found none",
            "agencies.yaml:9:5: routes[2].via: cần ít nhất một nút kề, nhưng gặp: không có"
        ),
        (
            "edocd.yaml:9:5: limits.hops_max: expected a number from 1 to 255, found \"x\"",
            "edocd.yaml:9:5: limits.hops_max: cần số từ 1 đến 255, nhưng gặp: \"x\""
        ),
        (
            "CA file /etc/edoc/ca.pem cannot be opened: Permission denied",
            "không mở được tệp CA /etc/edoc/ca.pem: không có quyền"
        ),
        (
            "key file /etc/edoc/key.pem can be used by others than its owner (mode 644); chmod 600",
            "tệp khóa /etc/edoc/key.pem người khác ngoài chủ tệp dùng được (quyền 644); hãy chạy chmod 600"
        ),
        (
            "lan may not act here; control.rights in edocd.yaml gives such rights",
            "lan không được phép thao tác trên nút này; quyền được cấp trong mục control.rights của edocd.yaml"
        ),
        ("refused: loop", "bị từ chối: vòng lặp"),
        (
            "the document is refused as a whole (tooLarge); correct what is named and submit it again",
            "toàn bộ văn bản bị từ chối (quá lớn); hãy sửa các mục nêu dưới đây rồi gửi lại"
        ),
        (
            "line 3, column 9: The XML is not well-formed: mismatched tag. [not_well_formed]",
            "dòng 3, cột 9: XML không đúng dạng: thẻ đóng không khớp thẻ mở. [not_well_formed]"
        ),
        (
            "agencies: 1 added, 0 moved, 0 removed of 12 (0.0 % moved or removed)",
            "cơ quan: thêm 1, chuyển 0, bỏ 0 trên 12 (chuyển hoặc bỏ 0.0 %)"
        ),
        ("job 7 has been applied already: cancelled", "công việc 7 đã được áp dụng rồi: đã dừng"),
        ("The copy was given up: it was cancelled.", "Sao lưu bị bỏ dở: đã bị dừng."),
    ])
    func areVietnamese(english: String, expected: String) {
        #expect(vietnamese(english) == expected)
    }

    /// What nobody knows stays whole: no half of it is Vietnamese.
    @Test(arguments: [
        "a sentence of a newer daemon, for nothing, at all", "no luck for hanoi", "reports of a and b",
    ])
    func whatIsNotKnownStays(english: String) {
        #expect(vietnamese(english) == english)
    }
}
