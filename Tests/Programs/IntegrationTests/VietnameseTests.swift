// VietnameseTests: what an administrator with a Vietnamese locale sees of the real programs: views, errors and help are Vietnamese, no
// sentence of the catalogue is left in English, and tables with Vietnamese names are aligned.

import ControlAPI
import Foundation
import Language
import RelayLanguage
import TestNetwork
import Testing

@Suite(.serialized) struct VietnameseTests {
    private static let locale = ["LC_ALL": "", "LC_MESSAGES": "", "LANG": "vi_VN.UTF-8"]

    private func run(_ network: Network, _ program: String, _ arguments: [String]) throws -> Network.Result {
        try network.run(program, arguments, environment: Self.locale)
    }

    private func control(_ network: Network, _ node: String, _ arguments: [String]) throws -> Network.Result {
        try run(network, Places.edocctl, arguments + ["--socket", network.folder[node + "/control.sock"]])
    }

    /// What of a sentence stands in every instance of it; only what nobody takes for Vietnamese, or for a command.
    private static let english: [String] = CatalogueEntries.all.flatMap { pair in
        pair.english.split(separator: "%").map { $0.trimmingCharacters(in: .whitespaces) }.filter { part in
            let words = part.split(separator: " ").filter { $0.allSatisfy(\.isLetter) }
            return words.count > 1 && part.filter(\.isLetter).count > 7 && !part.contains("edocctl")
                && !pair.vietnamese.contains(part)
        }
    }

    private func expectVietnamese(_ text: String, _ what: String) {
        #expect(!text.isEmpty, "\(what)")
        let found = Self.english.filter(text.contains)
        #expect(found.isEmpty, "\(what): \(found)\n\(text)")
    }

    /// The lines from the one that begins so up to the next empty one.
    private func table(_ text: String, from title: String) -> [Substring] {
        Array(
            text.split(separator: "\n", omittingEmptySubsequences: false).drop { !$0.hasPrefix(title) }
                .prefix { !$0.isEmpty })
    }

    @Test func viewsAndErrors() throws {
        let network = try Network()
        try network.start(["truc", "vpcp", "hcm"])
        try network.folder.write("Kính gửi", to: "letter.txt")
        let letter = network.folder["letter.txt"]
        for agency in ["H29", "H29.15"] {
            let sent = try network.submit("vpcp", letter, ["--sender", "G22", "--to", agency]).envelope
            #expect(try eventually { try network.inbox("hcm", agency).contains { $0.envelope == sent } })
        }
        // Of a table whose last column stands to the right every line is as wide.
        let inboxes = table(try control(network, "hcm", ["queue"]).output, from: "HỘP VĂN BẢN ĐẾN")
        #expect(inboxes.count == 3, "\(inboxes)")
        #expect(inboxes.contains { $0.contains("Ủy ban nhân dân Thành phố Hồ Chí Minh") }, "\(inboxes)")
        #expect(Set(inboxes.map { TextColumns.width(String($0)) }).count == 1, "\(inboxes)")

        network.kill("truc")
        _ = try network.submit("vpcp", letter, ["--sender", "G22", "--to", "H26", "--urgency", "3"])
        #expect(
            try eventually {
                (try network.ask("vpcp", "peers") as PeersAnswer).peers.contains { $0.failures > 1 }
            })
        let views = [
            ["queue"], ["queue", "list"], ["list"], ["peers"], ["peers", "truc"], ["status"], ["show", "3"], ["limits"],
            ["check"], ["check", "--deep"], ["doctor", "--config", network.folder["vpcp.yaml"]], ["top"], ["ledger"],
            ["routes", "explain", "H26"], ["routes"], ["trace", "3"], ["history", "--agency", "H29"], ["jobs"],
            ["suspensions"], ["audit", "list"], ["drain", "--state"], ["reload"], ["log-level"],
        ]
        for view in views {
            let result = try control(network, "vpcp", view)
            expectVietnamese(result.output + result.errors, "\(view)")
        }
        let peers = try control(network, "vpcp", ["peers"]).output
        #expect(peers.contains("lần gọi không được: 127.0.0.1:\(network.port): kết nối bị từ chối"), "\(peers)")
        let shown = try control(network, "vpcp", ["show", "3"]).output
        #expect(shown.contains("truc mất nối") && shown.contains("kết nối bị từ chối"), "\(shown)")

        let errors: [(arguments: [String], code: Int32, says: String)] = [
            (["show", "zz-none"], 1, "ở đây không có gói tin nào"),
            (["queue", "list", "--state", "lost"], 1, "trạng thái phải là một trong"),
            (["queue", "list", "--older", "soon"], 1, "là khoảng thời gian như 90s"),
            (["queue", "list", "--peer", "nobody"], 1, "không có nút kề"),
            (["submit", letter, "--sender", "G22", "--to", "Z99"], 1, "toàn bộ văn bản bị từ chối"),
            (["log-level", "loud"], 2, "mức là một trong"),
            (["log-level", "info", "--for", "x"], 2, "khoảng từ 1s đến 1d"),
            (["drain", "--cancel"], 1, "nút này không đang xả hết"), (["jobs", "77"], 1, "không có công việc"),
            (["queue", "--store", network.folder["nowhere"]], 1, "Không có kho ở"),
            (["queue", "--nothing"], 2, "Không có tùy chọn"),
            (["routes", "explain", "Z99"], 1, "danh bạ của nút này không có"),
        ]
        for (arguments, code, says) in errors {
            let result = try control(network, "vpcp", arguments)
            #expect(result.end == .exited(code), "\(arguments): \(result.errors)")
            #expect((result.output + result.errors).contains(says), "\(arguments): \(result.errors)")
            expectVietnamese(result.output + result.errors, "\(arguments)")
        }
    }

    /// The configuration is judged in Vietnamese; what a key is called stays as it must be written.
    @Test func theDaemonSpeaksToAPerson() throws {
        let network = try Network()
        func check() throws -> Network.Result {
            try run(network, Places.edocd, ["--config", network.folder["vpcp.yaml"], "--check-config"])
        }
        let good = try check()
        #expect(good.end == .exited(0), "\(good.errors)")
        #expect(good.output.hasSuffix("hợp lệ; nút vpcp, 1 nút kề, 4 cơ quan, 1 tuyến\n"), "\(good.output)")
        let kept = network.folder.text("vpcp.yaml")
        try network.edit("vpcp") { $0 += "peer: {}\nlimits:\n  hops_max: many\n" }
        let wrong = try check()
        #expect(wrong.end == .exited(78))
        expectVietnamese(wrong.errors, "a wrong key")
        #expect(
            wrong.errors.contains("peer: cần khóa có trong danh mục, nhưng gặp: \"peer\"; có phải là peers?"),
            "\(wrong.errors)")
        #expect(wrong.errors.contains("limits.hops_max: cần số từ 1 đến"), "\(wrong.errors)")
        try network.edit("vpcp") { $0 = kept }
        let key = network.folder["tls/vpcp.key"]
        #expect(chmod(key, 0o644) == 0)
        let exposed = try check()
        #expect(exposed.errors.contains("hãy chạy chmod 600"), "\(exposed.errors)")
        expectVietnamese(exposed.errors, "a key for all")
        // What the service manager keeps is English, as the rest of the log.
        let started = try run(network, Places.edocd, ["--config", network.folder["vpcp.yaml"]])
        #expect(started.end == .exited(78) && started.errors.contains("chmod 600"))
        #expect(started.errors.contains("can be used by others than its owner"), "\(started.errors)")
        let usage = try run(network, Places.edocd, ["--nothing"])
        #expect(usage.end == .exited(64))
        #expect(usage.errors.contains("Lỗi: Không có tùy chọn '--nothing'"), "\(usage.errors)")
        #expect(usage.errors.contains("Cách dùng: edocd"), "\(usage.errors)")
    }

    /// Help of both programs: no heading, default or placeholder of the library is left in English.
    @Test func helpIsVietnamese() throws {
        let network = try TestFolder()
        func help(_ program: String, _ arguments: [String]) throws -> String {
            let output = network["help"]
            let end = try Program(
                program, arguments, environment: Self.locale, output: output, errors: network["errors"]
            ).wait()
            defer { unlink(output) }
            #expect(end == .exited(0), "\(arguments)")
            return network.text("help")
        }
        var texts = [("edocd", try help(Places.edocd, ["--help"]))]
        let root = try help(Places.edocctl, ["--help"])
        texts.append(("edocctl", root))
        let commands = root.split(separator: "\n").drop { !$0.hasPrefix("LỆNH CON:") }.dropFirst()
            .compactMap { line in line.hasPrefix("  ") ? line.split(separator: " ").first.map(String.init) : nil }
            .filter { $0.allSatisfy { $0.isASCII && ($0.isLetter || $0 == "-") } }
        #expect(commands.count > 30, "\(commands)")
        for command in commands { texts.append((command, try help(Places.edocctl, [command, "--help"]))) }
        for (name, text) in texts {
            #expect(text.contains("MÔ TẢ: ") && text.contains("CÁCH DÙNG: ") && text.contains("TÙY CHỌN:"), "\(name)")
            for word in [
                "OVERVIEW", "USAGE", "OPTIONS", "ARGUMENTS", "SUBCOMMANDS", "(default", "Show help", "Show the version",
                "for detailed help", "<subcommand>",
            ] { #expect(!text.contains(word), "\(name): \(word)\n\(text)") }
            let placeholders = text.matches(of: /<([a-z][a-z-]*)>/).map { String($0.output.1) }
            #expect(placeholders.allSatisfy { $0 == "id" }, "\(name): \(Set(placeholders))")
            expectVietnamese(text, name)
        }
    }
}
