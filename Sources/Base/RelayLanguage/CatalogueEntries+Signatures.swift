// CatalogueEntries+Signatures: what is wrong with a signature of the directory, its signers and their keys, and what it is in Vietnamese.

extension CatalogueEntries {
    static let signatures: [Pair] = [signing, signers].flatMap { $0 }

    private static let signing: [Pair] = [
        ("certificate file % holds no certificate", "tệp chứng thư %1 không có chứng thư nào"),
        ("certificate file % holds more than % certificates", "tệp chứng thư %1 có hơn %2 chứng thư"),
        ("the passphrase does not open key file %", "mật khẩu không mở được tệp khóa %1"),
        (
            "key file % is encrypted, and there is no passphrase for it",
            "tệp khóa %1 được mã hóa, mà không có mật khẩu"
        ),
        (
            "OpenSSL has no engine pkcs11 here; the package is libengine-pkcs11-openssl",
            "OpenSSL ở đây không có engine pkcs11; gói cần cài là libengine-pkcs11-openssl"
        ),
        (
            "the engine pkcs11 does not start with PKCS#11 library %",
            "engine pkcs11 không khởi động được với thư viện PKCS#11 %1"
        ),
        (
            "the engine pkcs11 does not start with the PKCS#11 library of the system",
            "engine pkcs11 không khởi động được với thư viện PKCS#11 của hệ thống"
        ),
        ("the name of a key in a token begins with pkcs11:", "tên khóa trong thiết bị phải bắt đầu bằng pkcs11:"),
        ("the name of a key in a token must not hold its PIN", "tên khóa trong thiết bị không được chứa mã PIN"),
        ("the token asks for a PIN, and there is none", "thiết bị hỏi mã PIN, mà không có"),
        ("the token has no key %, or does not take the PIN", "thiết bị không có khóa %1, hoặc không nhận mã PIN"),
        ("the key is not the key of the certificate of %", "khóa không phải khóa của chứng thư của %1"),
        (
            "the key of % is neither RSA of 2048 bits or more nor ECDSA on P-256 or P-384",
            "khóa của %1 không phải RSA từ 2048 bit, cũng không phải ECDSA trên P-256 hoặc P-384"
        ),
        ("the certificate of % is not for digital signatures", "chứng thư của %1 không dùng để ký số"),
        ("the certificate of % is not valid yet", "chứng thư của %1 chưa có hiệu lực"),
        ("the certificate of % has expired", "chứng thư của %1 đã hết hạn"),
        ("% has signed already, and counts once", "%1 đã ký rồi, và chỉ được tính một lần"),
        ("the signature has % signers, which is as many as may be", "chữ ký đã có %1 người ký, là mức tối đa"),
        ("the signature has more than % signers", "chữ ký có hơn %1 người ký"),
        (
            "the signature that is there is of other content than this",
            "chữ ký đã có là của nội dung khác, không phải nội dung này"
        ),
        ("the key did not sign", "khóa không ký được"),
        (
            "the certificate of % does not confirm what its key signed",
            "chứng thư của %1 không xác nhận được những gì khóa của nó đã ký"
        ),
        ("the signature is longer than % bytes", "chữ ký dài hơn %1 byte"),
        ("the signature is not a CMS signature in DER", "chữ ký không phải chữ ký CMS dạng DER"),
        ("the CMS file is not a signature", "tệp CMS không phải chữ ký"),
        (
            "the signature holds its content; it must lie beside it",
            "chữ ký chứa cả nội dung; nội dung phải nằm ở tệp riêng bên cạnh"
        ),
        (
            "the signature is of another type of content than data",
            "chữ ký thuộc loại nội dung khác, không phải data"
        ),
        ("the signature has no signer", "chữ ký không có người ký nào"),
        ("the signature holds more than % certificates", "chữ ký chứa hơn %1 chứng thư"),
    ]

    /// Why one signer does not count.
    private static let signers: [Pair] = [
        (
            "it was made with a digest that does not count, such as SHA-1",
            "được tạo bằng hàm băm không được tính, chẳng hạn SHA-1"
        ),
        ("the certificate of the signer is not in the signature", "chứng thư của người ký không có trong chữ ký"),
        (
            "signing time, signing certificate or another signed attribute is missing",
            "thiếu thời điểm ký, chứng thư ký hoặc một thuộc tính phải ký khác"
        ),
        (
            "its signed attributes name another certificate or another type of content",
            "các thuộc tính đã ký nêu chứng thư khác hoặc loại nội dung khác"
        ),
        (
            "the certificate of the signer is not among those named",
            "chứng thư của người ký không nằm trong số chứng thư được nêu"
        ),
        (
            "the key of the signer is too weak, or of a kind that does not count",
            "khóa của người ký quá yếu, hoặc thuộc loại không được tính"
        ),
        (
            "the certificate of the signer is not for digital signatures",
            "chứng thư của người ký không dùng để ký số"
        ),
        (
            "the certificate of the signer is not valid yet at that moment",
            "chứng thư của người ký chưa có hiệu lực vào thời điểm đó"
        ),
        (
            "the certificate of the signer has expired at that moment",
            "chứng thư của người ký đã hết hạn vào thời điểm đó"
        ),
        (
            "no certificates in the signature lead from the signer to an authority that is named",
            "không có chuỗi chứng thư nào trong chữ ký dẫn từ người ký đến một cơ quan chứng thực được nêu"
        ),
        (
            "the algorithm of the signature is not the one of its key and digest",
            "thuật toán của chữ ký không khớp với khóa và hàm băm"
        ),
        ("it signs other content than this", "chữ ký của nội dung khác, không phải nội dung này"),
        (
            "the signature was not made by the key of the certificate, or was changed",
            "chữ ký không do khóa của chứng thư tạo ra, hoặc đã bị sửa"
        ),
        (
            "the same certificate or key has signed twice and counts once",
            "cùng một chứng thư hoặc khóa đã ký hai lần và chỉ được tính một lần"
        ),
    ]
}
