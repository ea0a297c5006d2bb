// ManualTests: the pages are made from what the programs say of themselves: every option and every key is in them, in both languages,
// and what is not a program's help makes no page.

import Foundation
import TestNetwork
import Testing

@Suite struct ManualTests {
    /// What a program prints, and the page that is made of it.
    private func page(_ name: String, _ command: String, language: String) throws -> (source: String, page: String) {
        let network = try TestFolder()
        let variables = ["LC_ALL": language]
        let (source, text, errors) = (network["source"], network["page"], network["errors"])
        let said = try Program(
            "/bin/sh", ["-c", "\"$0\" \(command)", Places.programs + "/" + (name == "edocd.yaml" ? "edocd" : name)],
            environment: variables, output: source, errors: errors
        ).wait()
        let made = try Program(
            "/bin/sh", ["-c", "\"$0\" \"$1\" 1.2.3 < \"$2\"", Places.programs + "/edoc-manual", name, source],
            environment: variables, output: text, errors: errors
        ).wait()
        guard said == .exited(0), made == .exited(0) else { throw TestFailure("\(name): \(network.text("errors"))") }
        return (network.text("source"), network.text("page"))
    }

    private func plain(_ page: String) -> String { page.replacingOccurrences(of: "\\-", with: "-") }

    @Test(arguments: ["edocd", "edocctl"], ["C", "vi_VN.UTF-8"])
    func everyOptionIsThere(_ name: String, _ language: String) throws {
        let (source, page) = try page(name, "--experimental-dump-help", language: language)
        let text = plain(page)
        #expect(text.contains(".TH \(name.uppercased()) 8 \"\" \"e-Doc relay 1.2.3\""))
        #expect(text.contains(language == "C" ? ".SH \"EXIT STATUS\"" : ".SH \"MÃ THOÁT\""))
        var options = 0
        let object = try JSONSerialization.jsonObject(with: Data(source.utf8))
        func look(_ value: Any, isHelp: Bool) {
            if let list = value as? [Any] { for element in list { look(element, isHelp: isHelp) } }
            guard let map = value as? [String: Any] else { return }
            let isHelp = isHelp || map["commandName"] as? String == "help"
            if map["shouldDisplay"] as? Bool == false { return }
            if !isHelp, map["kind"] as? String == "long", let option = map["name"] as? String, option != "help" {
                options += 1
                #expect(text.contains("--" + option), "\(option) is not in the page of \(name)")
            }
            if !isHelp, let command = map["commandName"] as? String {
                #expect(text.contains(command), "\(command) is not in the page of \(name)")
            }
            for element in map.values { look(element, isHelp: isHelp) }
        }
        look(object, isHelp: false)
        #expect(options > 2)
    }

    @Test func everyKeyIsThere() throws {
        let (source, page) = try page("edocd.yaml", "--print-defaults", language: "C")
        let terms = Set(
            plain(page).split(separator: "\n").filter { $0.hasPrefix(".B ") }.map { String($0.dropFirst(3)) })
        for key in [
            "node.name", "listen", "tls.key", "limits.lifetime_max", "control.rights[].verbs", "peers",
            "peers.<name>.address", "peers.<name>.may_send_from.nodes", "peers.<name>.quotas.bytes",
        ] {
            #expect(terms.contains(key), "\(key) is not in the page")
        }
        // A key, commented out or not; comments begin with a capital. Two are the names in the examples of a peer and of a spool.
        let keys = source.split(separator: "\n").filter { $0.firstMatch(of: /^#? *[a-z_]+:( |$)/) != nil }
        #expect(keys.count > 80 && terms.filter { !$0.hasPrefix("/") }.count == keys.count - 2)
    }

    @Test(arguments: ["edocd", "edocctl", "edocd.yaml"])
    func whatIsNoHelpMakesNoPage(_ name: String) throws {
        let folder = try TestFolder()
        try folder.write("{\"serializationVersion\": 7}", to: "source")
        let end = try Program(
            "/bin/sh", ["-c", "\"$0\" \"$1\" 1 < \"$2\"", Places.programs + "/edoc-manual", name, folder["source"]],
            output: folder["page"], errors: folder["errors"]
        ).wait()
        #expect(end == .exited(65))
        #expect(folder.text("page").isEmpty && !folder.text("errors").isEmpty)
    }
}
