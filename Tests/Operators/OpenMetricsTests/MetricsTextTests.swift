// The text of a metrics page, by the rules of both formats.

import OpenMetrics
import Testing

@Suite struct MetricsTextTests {
    private func page(_ format: MetricsText.Format) -> String {
        var text = MetricsText(format)
        text.add("a_build", .info, "What \"runs\" here.", [.init(.count(1), ("version", "0.2\n\\\""))])
        text.add("a_taken_bytes", .counter, unit: "bytes", "Octets.", [.init(.count(7), ("peer", "hcm"))])
        text.add("a_up", .gauge, "Up.", .flag(true))
        text.add("a_empty", .gauge, "Never there.", [])
        text.add(
            "a_hop_seconds", "Time.",
            [MetricsHistogram(bounds: [0.001, 1, 300], counts: [2, 0, 1, 4], sum: 12.5, ("urgency", "0"))])
        return text.text
    }

    @Test func openMetrics() {
        #expect(
            page(.openMetrics) == #"""
                # HELP a_build What \"runs\" here.
                # TYPE a_build info
                a_build_info{version="0.2\n\\\""} 1
                # HELP a_taken_bytes Octets.
                # TYPE a_taken_bytes counter
                # UNIT a_taken_bytes bytes
                a_taken_bytes_total{peer="hcm"} 7
                # HELP a_up Up.
                # TYPE a_up gauge
                a_up 1
                # HELP a_hop_seconds Time.
                # TYPE a_hop_seconds histogram
                # UNIT a_hop_seconds seconds
                a_hop_seconds_bucket{urgency="0",le="0.001"} 2
                a_hop_seconds_bucket{urgency="0",le="1.0"} 2
                a_hop_seconds_bucket{urgency="0",le="300.0"} 3
                a_hop_seconds_bucket{urgency="0",le="+Inf"} 7
                a_hop_seconds_count{urgency="0"} 7
                a_hop_seconds_sum{urgency="0"} 12.5
                # EOF

                """#)
    }

    @Test func aCommonLabelStandsOnEveryLineOnce() {
        var text = MetricsText(.prometheus, labels: ("node", "truc"))
        text.add("a_build", .info, "What.", [.init(.count(1), ("node", "own"), ("version", "1"))])
        text.add("a_up", .gauge, "Up.", .flag(true))
        text.add("a_hop_seconds", "T.", [MetricsHistogram(bounds: [1], counts: [1, 0], sum: 1, ("urgency", "0"))])
        let lines = text.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines.first == "a_build_info{node=\"own\",version=\"1\"} 1")
        #expect(lines.contains("a_up{node=\"truc\"} 1"))
        #expect(lines.contains("a_hop_seconds_bucket{node=\"truc\",urgency=\"0\",le=\"+Inf\"} 1"))
        #expect(lines.dropFirst().allSatisfy { $0.contains("node=\"truc\"") })
    }

    @Test func theOlderFormatNamesSamples() {
        let text = page(.prometheus)
        #expect(text.contains("# TYPE a_taken_bytes_total counter\na_taken_bytes_total{peer=\"hcm\"} 7\n"))
        #expect(text.contains("# HELP a_build_info What \"runs\" here.\n# TYPE a_build_info gauge\n"))
        #expect(!text.contains("# EOF") && !text.contains("# UNIT"))
    }

    @Test(
        arguments: [
            (nil, MetricsText.Format.openMetrics), ("*/*", .openMetrics), ("text/plain", .prometheus),
            ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics),
            ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .prometheus),
        ] as [(String?, MetricsText.Format)])
    func aScraperGetsWhatItAccepts(_ accept: String?, _ format: MetricsText.Format) {
        #expect(MetricsText.Format(accept: accept) == format)
    }

    @Test func valuesThatAreNoNumbers() {
        #expect(MetricsValue.real(.nan).text == "NaN")
        #expect(MetricsValue.real(-.infinity).text == "-Inf")
        #expect(MetricsValue.count(.max).text == "18446744073709551615")
    }
}
