// AlertTests: the alert rules against recorded situations, by promtool; and that no rule is without one that rings and one that must not.

import Foundation
import TestNetwork
import Testing

@Suite struct AlertTests {
    private func run(_ arguments: [String]) throws -> (end: ProgramEnd, output: String) {
        let folder = try TestFolder()
        let path = "/usr/bin/promtool"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw TestFailure("promtool is missing: Scripts/install-missing prometheus")
        }
        let end = try Program(path, arguments, output: folder["out"], errors: folder["out"]).wait()
        return (end, folder.text("out"))
    }

    private let rules = Places.root + "/Config/prometheus/edoc-alerts.yaml"
    private let situations = Places.root + "/Tests/Operators/Alerts/situations.yaml"

    @Test func theRulesAreSound() throws {
        let result = try run(["check", "rules", "--lint-fatal", rules])
        #expect(result.end == .exited(0), "\(result.output)")
    }

    @Test func everySituationIsTold() throws {
        let result = try run(["test", "rules", situations])
        #expect(result.end == .exited(0), "\(result.output)")
    }

    @Test func everyRuleHasSituations() throws {
        let text = try String(contentsOfFile: situations, encoding: .utf8)
        let alerts = try String(contentsOfFile: rules, encoding: .utf8).matches(of: /alert: (\w+)/).map {
            String($0.output.1)
        }
        #expect(alerts.count > 20)
        let tests = text.components(separatedBy: "\n  - name: ").dropFirst()
        for alert in alerts {
            let own = tests.filter { $0.contains("alertname: \(alert)\n") }
            #expect(own.contains { $0.contains("exp_labels:") }, "\(alert) never rings in a test")
            #expect(own.contains { $0.contains("exp_alerts: []") }, "\(alert) is never silent in a test")
        }
    }

    /// Whoever is called hears of which node; of one that does not answer Prometheus knows the address only.
    @Test func everyAlertNamesItsNode() throws {
        let text = try String(contentsOfFile: rules, encoding: .utf8)
        let alerts = text.components(separatedBy: "- alert: ").dropFirst()
        #expect(alerts.count > 20)
        for alert in alerts {
            let name = alert.prefix { $0 != "\n" }
            let summary = try #require(alert.firstMatch(of: /summary: (.*)/)).output.1
            // An address says nothing to whoever is called; only where nothing answers there is no name.
            #expect(summary.contains("$labels.instance") == (name == "EdocDown"), "\(name): \(summary)")
            #expect(summary.contains("$labels.node") == (name != "EdocDown"), "\(name): \(summary)")
        }
    }

    /// What Grafana needs to take it, and every panel with a question.
    @Test func theDashboardIsSound() throws {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: Places.root + "/Config/grafana/edoc-relay.json"))
        let board = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
        let panels = try #require(board["panels"] as? [[String: Any]])
        #expect(board["title"] as? String == "e-Doc relay" && panels.count > 10)
        #expect(Set(panels.compactMap { $0["id"] as? Int }).count == panels.count)
        for panel in panels {
            let targets = try #require(panel["targets"] as? [[String: Any]])
            for target in targets { #expect((target["expr"] as? String)?.contains("edoc_") == true, "\(panel)") }
        }
    }
}
