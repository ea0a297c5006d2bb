// HubKillCase: SIGKILL for the hub under load, started again at once: how long until the next envelope arrives, and whether the
// recipient's home has each envelope that was accepted, once.

import Glibc

enum HubKillCase {
    static func run(_ place: Place) throws -> CaseResult {
        let count = place.isQuick ? 3_000 : 60_000
        let network = try Network(place)
        defer { network.end() }
        try network.make(homes: [Network.first, Network.last])
        try network.start("truc", "vpcp", "hcm")
        try network.waitForLinks("truc", 2)
        var plan = LoadPlan(socket: network.submitSocket("vpcp"), count: count)
        plan.keepsCounters = true
        let load = SubmissionLoad(plan)
        let arrivals = try Arrivals(try network.watch("hcm"), every: 500)
        defer { arrivals.end() }
        let worker = load.start()
        var restarts: [Double] = []
        for part in 1...3 {
            try arrivals.wait(for: count * part / 5)
            restarts.append(try restart(network, arrivals))
        }
        try worker.value()
        try arrivals.wait(for: count)
        // What would come twice would come with the retries, and those with the sessions.
        try waitUntil("nothing more is under way", seconds: 60) {
            try ["vpcp", "truc"].allSatisfy { try (network.status($0).inStore["waiting"] ?? 0) == 0 }
        }
        let submitted = load.acceptedCounters
        let home = try network.watch("hcm").arrivedCounters()
        let lost = Set(submitted).subtracting(home).count
        let twice = home.count - Set(home).count
        var result = CaseResult()
        result.targets = [
            .atMost("from the hub's start to the next arrival, the longest of three", 2, "s", restarts.max() ?? 0),
            .atMost("lost", 0, "envelopes", Double(lost)), .atMost("twice", 0, "envelopes", Double(twice)),
            .atMost("arrived and not submitted", 0, "envelopes", Double(Set(home).subtracting(submitted).count)),
        ]
        result.figures = [
            ("submitted", .count(Set(submitted).count)), ("arrived", .count(home.count)),
            ("restartSeconds", .list(restarts.map { .real($0) })),
        ]
        return result
    }

    private static func restart(_ network: Network, _ arrivals: Arrivals) throws -> Double {
        network.kill(Network.hub)
        let start = try network.launch(Network.hub)
        // What comes before the new hub listens is still of the old one.
        try waitUntil("the hub listens", seconds: 60, every: 500) { isListening(network.hubPort) }
        let listening = Instant.now()
        try waitUntil("the next arrival", seconds: 120, every: 500) { arrivals.first(after: listening) != nil }
        return Instant.seconds(since: start, until: arrivals.first(after: listening) ?? Instant.now())
    }

    /// By the kernel's table, so that no connection disturbs the hub.
    private static func isListening(_ port: UInt16) -> Bool {
        let digits = String(port, radix: 16, uppercase: true)
        let address = "0100007F:" + String(repeating: "0", count: 4 - digits.count) + digits
        return SmallFile.text("/proc/net/tcp").split(separator: "\n").contains { line in
            let fields = line.split(separator: " ")
            return fields.count > 3 && fields[1] == address && fields[3] == "0A"
        }
    }
}
