// Program: what the pages of the programs say beyond their options: what the program is for, signals, environment, exit codes, files.

import Language

extension CommandPage.Program {
    var description: [String] {
        switch self {
        case .edocd:
            [
                phrase(
                    "edocd carries electronic documents between agencies: it keeps each on disk and forwards it hop by hop over mutual TLS, along a routing table of agencies, until every recipient has it or its lifetime is over. It runs in the foreground; systemd starts it as edocd.service.",
                    "edocd chuyển văn bản điện tử giữa các cơ quan: lưu từng văn bản trên đĩa rồi chuyển tiếp qua từng chặng bằng TLS hai chiều, theo bảng định tuyến của các cơ quan, cho đến khi mọi nơi nhận đều đã có văn bản hoặc văn bản hết hạn. Chương trình chạy ở tiền cảnh; systemd khởi động nó với tên edocd.service."
                ),
                phrase(
                    "Listening sockets of the service manager (LISTEN_FDS) are used where they listen at the very place that the configuration names, and stay open over a restart. With NOTIFY_SOCKET it tells when it is ready, reloads and stops; with WATCHDOG_USEC it tells that it is alive, each time after its engine and its event loops have answered.",
                    "Các socket do trình quản lý dịch vụ mở sẵn (LISTEN_FDS) được dùng khi chúng lắng nghe đúng địa chỉ ghi trong cấu hình, và vẫn mở khi khởi động lại. Với NOTIFY_SOCKET, chương trình báo khi sẵn sàng, khi nạp lại và khi dừng; với WATCHDOG_USEC, chương trình báo mình còn hoạt động, mỗi lần sau khi bộ xử lý và các vòng lặp sự kiện đã trả lời."
                ),
            ]
        case .edocctl:
            [
                phrase(
                    "edocctl looks into a running relay and acts on it, over the daemon's control socket. Who may do what stands in edocd.yaml under control.rights; root may do everything. Help and messages are in English or, with a Vietnamese locale, in Vietnamese; JSON is the same in both.",
                    "edocctl cho xem và điều khiển một trạm chuyển đang chạy, qua socket điều khiển của dịch vụ edocd. Ai được làm gì ghi trong edocd.yaml ở mục control.rights; root được làm mọi việc. Trợ giúp và thông báo bằng tiếng Việt khi locale là tiếng Việt, nếu không thì bằng tiếng Anh; JSON giống nhau ở cả hai ngôn ngữ."
                )
            ]
        }
    }

    /// The sections after the options.
    func close(_ page: inout Page) {
        switch self {
        case .edocd:
            page.heading(phrase("signals", "tín hiệu"))
            page.item(
                "SIGHUP",
                phrase(
                    "Reads the configuration again; it is applied whole or not at all.",
                    "Đọc lại cấu hình; áp dụng toàn bộ hoặc không áp dụng gì."))
            page.item(
                "SIGTERM, SIGINT",
                phrase(
                    "Stops in order: what is on the links is finished, at most for some seconds.",
                    "Dừng có trật tự: hoàn tất những gì đang truyền, tối đa vài giây."))
        case .edocctl:
            page.heading(phrase("environment", "biến môi trường"))
            page.item(
                "EDOC_SOCKET",
                phrase("The control socket, where --socket is not given.", "Socket điều khiển khi không có --socket."))
            page.item(
                "LC_ALL, LC_MESSAGES, LANG",
                phrase("The language of help and messages.", "Ngôn ngữ của trợ giúp và thông báo."))
        }
        page.heading(phrase("exit status", "mã thoát"))
        for (code, meaning) in codes { page.item(String(code), meaning) }
        page.heading(phrase("files", "tệp"))
        page.item("/etc/edoc/edocd.yaml", phrase("The configuration, edocd.yaml(5).", "Tệp cấu hình, edocd.yaml(5)."))
        page.item(
            "/etc/edoc/agencies.yaml",
            phrase("The agencies, their homes and the routes.", "Các cơ quan, nút chủ của từng cơ quan và các tuyến."))
        page.item("/var/lib/edocd", phrase("The store with the queue.", "Kho lưu trữ cùng hàng đợi."))
        page.item("/run/edocd/control.sock", phrase("The control socket.", "Socket điều khiển."))
        page.item("/run/edocd/submit.sock", phrase("The socket for bulk submission.", "Socket để nộp hàng loạt."))
        page.heading(phrase("see also", "xem thêm"))
        page.paragraph(self == .edocd ? "edocctl(8), edocd.yaml(5), systemd(1)" : "edocd(8), edocd.yaml(5)")
    }

    private var codes: [(Int, String)] {
        switch self {
        case .edocd:
            [
                (0, phrase("Stopped in order.", "Đã dừng có trật tự.")),
                (
                    1,
                    phrase(
                        "Something else failed; the last line of the log says what.",
                        "Lỗi khác; dòng cuối của nhật ký cho biết.")
                ),
                (64, phrase("Wrong usage.", "Dùng sai cú pháp.")),
                (70, phrase("The store failed.", "Kho lưu trữ gặp lỗi.")),
                (
                    78,
                    phrase(
                        "The configuration is wrong; systemd does not start the daemon again until it is told to.",
                        "Cấu hình sai; systemd không tự khởi động lại cho đến khi được yêu cầu.")
                ),
            ]
        case .edocctl:
            [
                (0, phrase("Done.", "Đã xong.")),
                (1, phrase("A negative answer.", "Câu trả lời phủ định.")),
                (2, phrase("Wrong usage.", "Dùng sai cú pháp.")),
                (69, phrase("The daemon cannot be reached.", "Không liên lạc được với dịch vụ edocd.")),
                (77, phrase("Not permitted.", "Không được phép.")),
            ]
        }
    }
}
