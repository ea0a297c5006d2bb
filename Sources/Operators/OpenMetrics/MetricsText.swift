// MetricsText: the text of a metrics page, in the OpenMetrics format or in the older one of Prometheus, which some tools still ask for.
// Pure: families in, text out; no I/O, no clock. Names and labels are the program's own: a wrong one is a bug and traps. Values of
// labels may be anything and are escaped.

import Trap

/// One page that grows family by family.
public struct MetricsText: Sendable {
    public enum Format: Sendable, Hashable {
        /// OpenMetrics 1.0.
        case openMetrics
        /// The text format of Prometheus, 0.0.4.
        case prometheus

        public var contentType: String {
            switch self {
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
            }
        }

        /// By what a scraper accepts: the older format only for who asks for it and not for the newer one.
        public init(accept: String?) {
            let accept = accept?.lowercased() ?? ""
            let wantsOld = accept.contains("text/plain") && !accept.contains("openmetrics")
            self = wantsOld ? .prometheus : .openMetrics
        }
    }

    public enum Kind: String, Sendable, Hashable {
        case counter
        case gauge
        case info
    }

    /// One line of a family.
    public struct Sample: Sendable {
        public var labels: [(name: String, value: String)]
        public var value: MetricsValue

        public init(_ value: MetricsValue, _ labels: (name: String, value: String)...) {
            self.labels = labels
            self.value = value
        }
    }

    public let format: Format
    private var body = ""
    private var names: Set<String> = []
    private let common: [(name: String, value: String)]

    /// `labels` stand on every line that does not have them itself: pages of several nodes lie side by side in one place.
    public init(_ format: Format, labels: (name: String, value: String)...) {
        self.format = format
        common = labels
    }

    /// The whole page. OpenMetrics: a page without its end was cut off, and a scraper must not take it.
    public var text: String { format == .openMetrics ? body + "# EOF\n" : body }

    /// Adds a family; one without samples is left out. `name` has no `_total` and no `_info`: the kind adds it. With a unit, the name
    /// must end with it.
    public mutating func add(
        _ name: String, _ kind: Kind, unit: String? = nil, _ help: String, _ samples: [Sample]
    ) {
        guard !samples.isEmpty else { return }
        let suffix =
            switch kind {
            case .counter: "_total"
            case .info: "_info"
            case .gauge: ""
            }
        head(name, suffix, kind == .info && format == .prometheus ? "gauge" : kind.rawValue, unit, help)
        for sample in samples { line(name + suffix, sample.labels, sample.value) }
    }

    public mutating func add(
        _ name: String, _ kind: Kind, unit: String? = nil, _ help: String, _ value: MetricsValue
    ) {
        add(name, kind, unit: unit, help, [Sample(value)])
    }

    /// Adds a family of histograms of seconds.
    public mutating func add(
        _ name: String, unit: String? = "seconds", _ help: String, _ histograms: [MetricsHistogram]
    ) {
        guard !histograms.isEmpty else { return }
        head(name, "", "histogram", unit, help)
        for histogram in histograms {
            var sum: UInt64 = 0
            for (bound, count) in zip(histogram.bounds.map(Optional.some) + [nil], histogram.counts) {
                sum &+= count
                let label = bound.map { MetricsValue.real($0).text } ?? "+Inf"
                line(name + "_bucket", histogram.labels + [("le", label)], .count(sum))
            }
            line(name + "_count", histogram.labels, .count(sum))
            line(name + "_sum", histogram.labels, .real(histogram.sum))
        }
    }

    // MARK: Lines

    private mutating func head(_ name: String, _ suffix: String, _ type: String, _ unit: String?, _ help: String) {
        demand(Self.isName(name), "\(name) is no name of a metric")
        demand(!name.hasSuffix("_total") && !name.hasSuffix("_info"), "\(name): the kind adds the suffix")
        demand(names.insert(name).inserted, "\(name) is on the page twice")
        // The older format names the samples, OpenMetrics the family.
        let family = format == .prometheus ? name + suffix : name
        body += "# HELP \(family) \(Self.escaped(help, quotes: format == .openMetrics))\n# TYPE \(family) \(type)\n"
        guard let unit else { return }
        demand(name.hasSuffix("_" + unit), "\(name) does not end with its unit")
        if format == .openMetrics { body += "# UNIT \(family) \(unit)\n" }
    }

    private mutating func line(_ name: String, _ labels: [(name: String, value: String)], _ value: MetricsValue) {
        body += name
        let labels = common.filter { one in !labels.contains { $0.name == one.name } } + labels
        if !labels.isEmpty {
            body += "{"
            for (index, label) in labels.enumerated() {
                demand(
                    Self.isName(label.name) && !label.name.contains(":"), "\(label.name) is no name of a label")
                body += (index == 0 ? "" : ",") + label.name + "=\"" + Self.escaped(label.value, quotes: true) + "\""
            }
            body += "}"
        }
        body += " " + value.text + "\n"
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
                || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ":")
        }
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// A number on the page.
public enum MetricsValue: Sendable, Hashable {
    case count(UInt64)
    case real(Double)

    public static func flag(_ flag: Bool) -> MetricsValue { .count(flag ? 1 : 0) }

    public var text: String {
        switch self {
        case .count(let number): String(number)
        case .real(let number) where number.isNaN: "NaN"
        case .real(let number) where number.isInfinite: number < 0 ? "-Inf" : "+Inf"
        case .real(let number): number.description
        }
    }
}

/// One histogram of a family.
public struct MetricsHistogram: Sendable {
    public var labels: [(name: String, value: String)]
    /// Upper bounds, ascending.
    public var bounds: [Double]
    /// One more than there are bounds; not cumulative.
    public var counts: [UInt64]
    public var sum: Double

    public init(bounds: [Double], counts: [UInt64], sum: Double, _ labels: (name: String, value: String)...) {
        demand(counts.count == bounds.count + 1, "A histogram has one bucket more than bounds.")
        self.labels = labels
        self.bounds = bounds
        self.counts = counts
        self.sum = sum
    }
}
