// MetricsTests: the metrics page of a real daemon: by the rules of OpenMetrics, by promtool, and by a Prometheus that scrapes it; and that
// every metric of the alert rules and of the dashboard is there.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct MetricsTests {
    @Test func thePageHoldsWhatItPromises() throws {
        let network = try Network()
        try network.replace("truc", "control:\n", "metrics:\n  listen: 127.0.0.1:0\ncontrol:\n")
        try network.start(["truc", "vpcp", "hcm"])
        try network.folder.write("noi dung", to: "a.txt")
        let envelope = try network.submit("vpcp", network.folder["a.txt"], ["--sender", "G22", "--to", "H29"]).envelope
        #expect(try eventually { try network.inbox("hcm", "H29").contains { $0.envelope == envelope } })
        let socketPath = network.folder["truc/control.sock"]
        let health = try ControlJSON.answer(
            HealthAnswer.self,
            from: Array(try page(network, ["--unix-socket", socketPath, "http://localhost/v1/health"]).utf8))
        let address = try #require(health.metricsAddress)
        let text = try page(network, ["http://\(address)/metrics"])
        #expect(OpenMetricsRules.faults(text) == [])
        #expect(text.contains("edoc_peer_forwarded_recipients_total{node=\"truc\",peer=\"hcm\"} 1\n"))
        #expect(text.contains("edoc_hop_seconds_count{node=\"truc\",urgency=\"0\"} 1\n"))
        #expect(
            text.contains("edoc_link_up{node=\"truc\",peer=\"vpcp\"} 1\n")
                && text.contains("edoc_link_up{node=\"truc\",peer=\"hanoi\"} 0\n"))
        #expect(text.contains("edoc_build_info{node=\"truc\","))
        // Agencies are no labels: their number is not bounded by the node's configuration.
        #expect(!text.contains("H29") && !text.contains("G22"))
        // The same on the control socket, and nothing else on the address.
        let socket = network.folder["truc/control.sock"]
        let same = try page(network, ["--unix-socket", socket, "http://localhost/metrics"])
        #expect(Self.names(same) == Self.names(text))
        #expect(try page(network, ["-o", "/dev/null", "-w", "%{http_code}", "http://\(address)/v1/status"]) == "404")
        let type = try page(
            network, ["-o", "/dev/null", "-w", "%{content_type}", "-H", "Accept: */*", "http://\(address)/metrics"])
        #expect(type == "application/openmetrics-text; version=1.0.0; charset=utf-8")

        let old = try page(network, ["-H", "Accept: text/plain", "http://\(address)/metrics"])
        try network.folder.write(old, to: "old.txt")
        let check = try network.run("/bin/sh", ["-c", "exec promtool check metrics <\(network.folder["old.txt"])"])
        #expect(check.end == .exited(0), "\(check.output) \(check.errors)")

        try whatIsWatchedIsThere(Self.names(text))
        try aPrometheusTakesIt(network, address)
    }

    /// A crowd that says nothing: so many connections are taken and no more, each ends soon, and then figures are served again.
    @Test func aCrowdThatSaysNothing() throws {
        let network = try Network(plain: true)
        try network.replace("truc", "control:\n", "metrics:\n  listen: 127.0.0.1:0\ncontrol:\n")
        try network.start("truc")
        let socket = network.folder["truc/control.sock"]
        let health = try ControlJSON.answer(
            HealthAnswer.self,
            from: Array(try page(network, ["--unix-socket", socket, "http://localhost/v1/health"]).utf8))
        let address = try #require(health.metricsAddress)
        let port = try #require(address.split(separator: ":").last.flatMap { Int($0) })
        let pid = try #require(network.pid("truc"))
        func descriptors() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
        }
        let before = try descriptors()
        let crowd = HeldConnections()
        try crowd.open(90, port: port)
        #expect(try eventually { try descriptors() >= before + 30 }, "the crowd has been met")
        let taken = try descriptors() - before
        #expect(taken <= 40, "\(taken)")
        #expect(try network.status("truc").node == "truc")
        // They end after ten seconds, and the next ones are taken, and end, too.
        #expect(try eventually(within: 60) { crowd.openCount == 0 })
        #expect(try page(network, ["http://\(address)/metrics"]).hasSuffix("# EOF\n"))
        #expect(try eventually { try descriptors() <= before + 2 })
    }

    /// Somebody else has the port: the relay runs, says so once, and opens the page when the port is free.
    @Test func aTakenPortStopsNothing() throws {
        let network = try Network(plain: true)
        let taken = try HeldPort()
        try network.replace("truc", "control:\n", "metrics:\n  listen: 127.0.0.1:\(taken.port)\ncontrol:\n")
        try network.start("truc")
        let line =
            "no figures are served: metrics.listen 127.0.0.1:\(taken.port) cannot be opened: Address already in use"
        #expect(try eventually { try network.status("truc").attention.contains(line) })
        let socket = network.folder["truc/control.sock"]
        func health() throws -> HealthAnswer {
            let text = try page(network, ["--unix-socket", socket, "http://localhost/v1/health"])
            return try ControlJSON.answer(HealthAnswer.self, from: Array(text.utf8))
        }
        #expect(try health().metricsAddress == nil)
        let check = try network.control("truc", ["check", "alarms"])
        #expect(check.end == .exited(1) && check.output.contains("metrics.listen"), "\(check.output)")
        taken.free()
        #expect(try eventually { try health().metricsAddress == "127.0.0.1:\(taken.port)" })
        #expect(try page(network, ["http://127.0.0.1:\(taken.port)/metrics"]).hasSuffix("# EOF\n"))
        #expect(try !network.status("truc").attention.contains(line))
        #expect(network.stop("truc") == .exited(0))
        let log = network.logText("truc")
        #expect(
            log.ranges(of: "no figures are served: ").count == 1
                && log.ranges(of: "figures are served address").count == 1, "\(log)")
    }

    /// A row is missing in the hub's file: somebody is called at once, before the grace is over and the document is refused.
    @Test func whatEveryHopRefusesIsAnAlarm() throws {
        let network = try Network()
        let lines = network.folder.text("agencies.yaml").components(separatedBy: "\n")
        let start = try #require(lines.firstIndex { $0.hasPrefix("  H26:") })
        let end = try #require(lines[(start + 1)...].firstIndex { !$0.hasPrefix("    ") })
        try network.folder.write((lines[..<start] + lines[end...]).joined(separator: "\n"), to: "short.yaml")
        try network.replace("truc", "agencies.yaml", "short.yaml")
        try network.start(["truc", "vpcp"])
        try network.folder.write("noi dung", to: "a.txt")
        let envelope = try network.submit("vpcp", network.folder["a.txt"], ["--sender", "G22", "--to", "H26"]).envelope
        let socket = network.folder["vpcp/control.sock"]
        func figure() throws -> String? {
            try page(network, ["--unix-socket", socket, "http://localhost/metrics"]).split(separator: "\n")
                .first { $0.hasPrefix("edoc_refused_everywhere_recipients{") }.map { String($0.suffix(1)) }
        }
        #expect(try eventually { try figure() == "1" })
        #expect(try network.status("vpcp").attention.contains { $0.hasPrefix("refused by every next hop") })
        let check = try network.control("vpcp", ["check", "alarms"])
        #expect(check.end == .exited(1) && check.output.contains("refused by every next hop"), "\(check.output)")
        let listed = try network.control("vpcp", ["queue", "list", "--answer", "not acceptable"]).output
        #expect(listed.contains("H26"), "the command that the line names finds it: \(listed)")

        try network.replace("truc", "short.yaml", "agencies.yaml")
        #expect(try network.control("truc", ["reload"]).end == .exited(0))
        let retry: PreviewAnswer = try network.ask("vpcp", "retry", envelope)
        // None when it is on the link again at this moment.
        if let job = retry.job { _ = try network.ask("vpcp", "retry", "--apply", String(job.id)) as JobAnswer }
        #expect(try eventually { try figure() == "0" })
        #expect(try !network.status("vpcp").attention.contains { $0.hasPrefix("refused by every next hop") })
    }

    private func page(_ network: Network, _ arguments: [String]) throws -> String {
        let result = try network.run("/usr/bin/curl", ["-sS", "--max-time", "20"] + arguments)
        guard result.end == .exited(0) else { throw TestFailure("curl: \(result.errors)") }
        return result.output
    }

    /// The names of all samples.
    private static func names(_ page: String) -> Set<String> {
        Set(
            page.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
                String(line.prefix { $0 != "{" && $0 != " " })
            })
    }

    private func whatIsWatchedIsThere(_ exported: Set<String>) throws {
        for path in ["Config/prometheus/edoc-alerts.yaml", "Config/grafana/edoc-relay.json"] {
            let text = try String(contentsOfFile: Places.root + "/" + path, encoding: .utf8)
            let asked = Set(text.matches(of: /\bedoc_[a-z_]+/).map { String($0.output) })
            #expect(asked.count > 20)
            // Neither there before a session with TLS and a CRL.
            let later = ["edoc_revocation_list_update_timestamp_seconds"]
            for name in asked.subtracting(later).sorted() { #expect(exported.contains(name), "\(path): \(name)") }
        }
    }

    /// A real scrape of the OpenMetrics text, by the parser that will read it.
    private func aPrometheusTakesIt(_ network: Network, _ address: String) throws {
        try network.folder.write(
            """
            global: {scrape_interval: 1s}
            scrape_configs: [{job_name: edocd, static_configs: [{targets: ["\(address)"]}]}]
            rule_files: ["\(Places.root)/Config/prometheus/edoc-alerts.yaml"]
            """, to: "prometheus.yaml")
        let log = network.folder["prometheus.log"]
        let prometheus = try Program(
            "/usr/bin/prometheus",
            [
                "--config.file=" + network.folder["prometheus.yaml"], "--storage.tsdb.path=" + network.folder["tsdb"],
                "--web.listen-address=127.0.0.1:0",
            ], output: log, errors: log)
        defer {
            prometheus.send(SIGKILL)
            prometheus.wait()
        }
        var port: String?
        #expect(
            try eventually(within: 30) {
                let text = network.folder.text("prometheus.log")
                port = text.firstMatch(of: /"?Listening on"? address=127\.0\.0\.1:([0-9]+)/).map { String($0.output.1) }
                return port != nil
            }, "\(network.folder.text("prometheus.log"))")
        let api = "http://127.0.0.1:\(port ?? "0")/api/v1/"
        #expect(
            try eventually(within: 30) {
                try page(network, [api + "query?query=edoc_build_info"]).contains("\"node\":\"truc\"")
            }, "\(network.folder.text("prometheus.log"))")
        #expect(try page(network, [api + "targets"]).contains("\"health\":\"up\""))
    }

    /// Whoever can reach the address reads figures: only this machine may.
    @Test(arguments: ["0.0.0.0:9456", "[::]:9456", "10.0.0.1:9456", "127.example.org:9456", "host.example.org:9456"])
    func onlyLoopback(_ address: String) throws {
        let network = try Network(plain: true)
        try network.replace("truc", "control:\n", "metrics:\n  listen: \"\(address)\"\ncontrol:\n")
        let result = try network.run(Places.edocd, ["--check-config", "--config", network.folder["truc.yaml"]])
        #expect(result.end == .exited(78))
        #expect(result.errors.contains("metrics.listen") && result.errors.contains("loopback"), "\(result.errors)")
    }
}

/// The rules of OpenMetrics 1.0 that a page of ours could break.
enum OpenMetricsRules {
    static func faults(_ page: String) -> [String] {
        var faults: [String] = []
        var lines = page.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.popLast() != "" || lines.popLast() != "# EOF" { faults.append("the page does not end with # EOF") }
        var family = ""
        var type = ""
        var families: Set<String> = []
        var seen: Set<String> = []
        var bucket: (key: String, count: Double) = ("", 0)
        for line in lines {
            let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
            if words[0] == "#" {
                if words[1] == "HELP" {
                    family = words[2]
                    if !families.insert(family).inserted { faults.append("\(family) comes in two parts") }
                } else if words[1] == "TYPE" {
                    type = words[3]
                    if words[2] != family { faults.append("\(line): not behind its HELP") }
                } else if words[1] == "UNIT" {
                    if !family.hasSuffix("_" + words[3]) { faults.append("\(family) does not end with its unit") }
                } else {
                    faults.append("\(line): no comment is allowed")
                }
                continue
            }
            guard let match = line.wholeMatch(of: /([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? ([^ ]+)/) else {
                faults.append("\(line): no sample")
                continue
            }
            let name = String(match.output.1)
            let labels = String(match.output.2 ?? "")
            let suffixes =
                switch type {
                case "counter": ["_total"]
                case "info": ["_info"]
                case "histogram": ["_bucket", "_count", "_sum"]
                default: [""]
                }
            if !suffixes.contains(where: { family + $0 == name }) {
                faults.append("\(line): not of \(family), a \(type)")
            }
            if !seen.insert(name + labels).inserted { faults.append("\(name)\(labels) stands there twice") }
            guard let value = Double(match.output.3) else {
                faults.append("\(line): no number")
                continue
            }
            if type != "gauge", value < 0 { faults.append("\(line): below zero") }
            if name.hasSuffix("_bucket") {
                let key = labels.replacing(/,?le="[^"]*"/, with: "")
                if bucket.key == family + key, value < bucket.count { faults.append("\(line): buckets are cumulative") }
                bucket = (family + key, value)
            }
            if name.hasSuffix("_count"), type == "histogram", value != bucket.count {
                faults.append("\(line): not the count of the last bucket")
            }
        }
        return faults
    }
}
