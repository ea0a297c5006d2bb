// FigurePage: writes what a run has printed into docs/figures.md. The page says where: between a line `<!-- bench: NAME -->` and the
// next line `<!-- /bench -->` stands what is made here, from the last line of the case that the block is about. A block whose case did not
// run keeps what it had, and so does all else: the words around, and the parts that other scripts write. Pictures stand beside the page.

import FoundationEssentials

struct FigurePage {
    /// The last line of each case.
    private var cases: [String: ReadFigure] = [:]
    private let pictures: String
    private static let begin = "<!-- bench: "
    private static let end = "<!-- /bench -->"

    /// `lines`: of cases, the later ones in place of earlier ones. `pictures`: the folder, from that of the page.
    init(_ lines: [ReadFigure], pictures: String) {
        self.pictures = pictures
        for line in lines where line["error"].text == nil {
            if let name = line["case"].text { cases[name] = line }
        }
    }

    static func write(_ page: String, from files: [String], pictures: String = "figures") throws {
        let lines = try files.flatMap { try JSONLines.read(file: $0) }
        for line in lines {
            if let name = line["case"].text, let why = line["error"].text {
                PeersCase.note("\(name) was not measured: \(why)")
            }
        }
        let maker = FigurePage(lines, pictures: pictures)
        guard !maker.cases.isEmpty else { throw BenchFailure("\(files.joined(separator: ", ")): no line of a case") }
        var text = ""
        try LineReader.each(of: page) { text += $0 + "\n" }
        let (made, drawn) = try maker.page(text)
        let folder = page.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let beside = (folder.isEmpty ? "." : folder) + "/" + pictures
        try Folder.make(beside)
        for (name, picture) in drawn { try Folder.write(picture, to: "\(beside)/\(name).svg") }
        try Folder.write(made, to: page)
    }

    /// The page anew, and the pictures that it shows.
    func page(_ text: String) throws -> (text: String, pictures: [(name: String, picture: String)]) {
        var lines: [String] = []
        var drawn: [(name: String, picture: String)] = []
        var isWithin = false
        var isKept = true
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast(text.hasSuffix("\n") ? 1 : 0)
        {
            if line.hasPrefix(Self.begin), let stop = line.range(of: " -->") {
                guard !isWithin else { throw BenchFailure("a block begins within another: \(line)") }
                isWithin = true
                lines.append(String(line))
                let name = String(line[line.index(line.startIndex, offsetBy: Self.begin.count)..<stop.lowerBound])
                let block = try Self.block(name)(self)
                isKept = block == nil
                lines += block?.lines ?? []
                drawn += block?.pictures ?? []
            } else if line == Self.end {
                guard isWithin else { throw BenchFailure("a block ends that did not begin") }
                (isWithin, isKept) = (false, true)
                lines.append(String(line))
            } else if isKept {
                lines.append(String(line))
            }
        }
        guard !isWithin else { throw BenchFailure("a block does not end") }
        return (lines.joined(separator: "\n") + "\n", drawn)
    }

    /// What stands in one block.
    struct Block {
        var lines: [String]
        var pictures: [(name: String, picture: String)] = []
    }

    private static func block(_ name: String) throws -> (FigurePage) -> Block? {
        switch name {
        case "conditions": { $0.conditions() }
        case "targets": { $0.targets() }
        case "throughput": { $0.throughput() }
        case "documents": { $0.documents() }
        case "single": { $0.single() }
        case "backlog": { $0.backlog() }
        case "peers": { $0.peers() }
        case "profile": { $0.profile() }
        case "counts": { $0.counts() }
        case "links": { $0.links() }
        case "distance": { $0.distance() }
        default: throw BenchFailure("there is no block '\(name)'")
        }
    }

    private func table(_ head: [String], _ rows: [[String]]) -> [String] {
        func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
        return [row(head), "|" + String(repeating: "---|", count: head.count)] + rows.map(row)
    }

    private func shown(_ value: Double?) -> String { value.map(Plot.shown) ?? "" }

    private func picture(_ name: String, _ alternative: String) -> [String] {
        ["", "![\(alternative)](\(pictures)/\(name).svg)"]
    }

    // MARK: - The blocks

    private func conditions() -> Block? {
        guard let line = cases.keys.sorted().first.flatMap({ cases[$0] }) else { return nil }
        let conditions = line["conditions"]
        let loads = cases.values.compactMap { $0["conditions.loadAverageBefore"].text.flatMap(Double.init) }
        let rows = [
            ("processor", "cpu"), ("memory", "memory"), ("disk", "disk"), ("kernel", "kernel"), ("OpenSSL", "openssl"),
            ("Swift", "swift"),
        ]
        .map { [$0.0, conditions[$0.1].text ?? ""] }
        return Block(
            lines: table(
                ["", ""],
                rows + [
                    ["cores", shown(conditions["cores"].number)],
                    ["load average before a case", "\(shown(loads.min())) to \(shown(loads.max()))"],
                    ["cases in this run", cases.keys.sorted().joined(separator: ", ")],
                ] + (conditions["quick"].flag ?? false ? [["form", "short: too small for rates"]] : [])))
    }

    private func targets() -> Block? {
        var rows: [[String]] = []
        for name in cases.keys.sorted() where !["peers", "engine", "compare", "profile"].contains(name) {
            for target in cases[name]?["targets"].list ?? [] {
                let holds = target["pass"].flag.map { $0 ? "yes" : "**no**" } ?? ""
                rows.append([
                    name, target["what"].text ?? "", target["target"].text ?? "", shown(target["measured"].number),
                    holds,
                ])
            }
        }
        return rows.isEmpty ? nil : Block(lines: table(["case", "what", "target or unit", "measured", "holds"], rows))
    }

    private static let nodes = [("vpcp", "A"), ("truc", "hub"), ("hcm", "C")]

    private func costs(_ line: ReadFigure) -> [String] {
        let names = ["cpuMicrosecondsPerEnvelope", "envelopesPerCommit", "dirtiedBytesPerEnvelope"]
        let titles = ["processor, µs an envelope", "envelopes a commit", "octets made dirty an envelope"]
        let rows = zip(names, titles).map { name, title in
            let values = Self.nodes.map { line["figures.nodes.\($0.0).\(name)"].number }
            let all = name == names[0] ? values.compactMap { $0 }.reduce(0, +) : nil
            return [title] + values.map(shown) + [shown(all)]
        }
        let memory =
            ["own memory at most, MB"] + Self.nodes.map { shown(line["figures.memory.\($0.0).ownMB"].number) } + [""]
        return table(
            [""] + Self.nodes.map(\.1) + ["all"], line["figures.memory"].names.isEmpty ? rows : rows + [memory])
    }

    private func throughput() -> Block? {
        guard let line = cases["throughput"] else { return nil }
        let figures = line["figures"]
        return Block(
            lines: [
                "\(shown(figures["perSecond"].number)) envelopes of 4 KiB a second arrive; "
                    + "\(shown(figures["acceptedPerSecond"].number)) a second are accepted.", "",
            ] + costs(line))
    }

    private func documents() -> Block? {
        guard let line = cases["documents"] else { return nil }
        let figures = line["figures"]
        return Block(
            lines: [
                "\(shown(figures["MBs"].number)) MB/s of documents of 1 MiB; the disk alone writes "
                    + "\(shown(figures["diskBefore.sequentialMBs"].number)) MB/s with a sync every 4 MiB.", "",
            ] + costs(line))
    }

    private func single() -> Block? {
        guard let line = cases["single"] else { return nil }
        let figures = line["figures"]
        func one(_ name: String) -> String { shown(figures[name].number) }
        let rows = [[one("acceptedP50ms"), one("p50ms"), one("p90ms"), one("p99ms"), one("maxms")]]
        return Block(
            lines: table(["answered at A, p50 ms", "arrived, p50", "p90", "p99", "longest"], rows) + [""] + costs(line))
    }

    private func backlog() -> Block? {
        guard let line = cases["backlog"] else { return nil }
        let figures = line["figures"]
        let series = [("the file grows", "growingByTwentieth"), ("the same file again", "reusedByTwentieth")].map {
            (name: $0.0, values: figures[$0.1].list.compactMap(\.number))
        }
        let count = shown(figures["envelopes"].number)
        return Block(
            lines: table(
                ["", "a second"],
                [
                    ["accepted while the file grows", shown(figures["growingPerSecond"].number)],
                    ["accepted into the same file", shown(figures["reusedPerSecond"].number)],
                    ["its first fifth", shown(figures["shallowPerSecond"].number)],
                    ["its last fifth", shown(figures["deepPerSecond"].number)],
                ]) + picture("backlog", "accept rate over a filling"),
            pictures: [
                (
                    "backlog",
                    Plot.lines(
                        "accepted a second, \(count) envelopes queued", across: "the filling, by twentieths", series)
                )
            ])
    }

    private func peers() -> Block? {
        guard let line = cases["peers"] else { return nil }
        let carriers = line["figures.carriers"].list
        func cell(_ carrier: ReadFigure, _ name: String) -> String { shown(carrier[name].number) }
        let rows = carriers.map { carrier in
            let version = carrier["version"].text ?? ""
            return [
                (carrier["name"].text ?? "") + (version.isEmpty ? "" : " (\(version))"), carrier["end"].text ?? "",
                cell(carrier, "perSecond"),
                cell(carrier, "processorMicroseconds"), cell(carrier, "MBs"),
                cell(carrier, "processorMillisecondsADocument"),
                "\(cell(carrier, "p50ms")) / \(cell(carrier, "p99ms"))",
                shown((carrier["shareOfOthers"].number ?? 0) * 100) + " %",
            ]
        }
        func plot(_ title: String, _ name: String) -> String {
            Plot.bars(title, carriers.map { ($0["name"].text ?? "", $0[name].number ?? 0) })
        }
        let rounds = shown(line["figures.rounds"].number)
        return Block(
            lines: ["Medians of \(rounds) rounds by turns.", ""]
                + table(
                    [
                        "", "until it is", "4 KiB a second", "µs, three nodes", "1 MiB, MB/s", "ms a document",
                        "one at a time, p50 / p99 ms", "others used at most",
                    ], rows) + picture("peers-rate", "messages of 4 KiB a second")
                + picture("peers-processor", "processor time a message"),
            pictures: [
                ("peers-rate", plot("4 KiB a second through three nodes", "perSecond")),
                ("peers-processor", plot("processor, µs a message over three nodes", "processorMicroseconds")),
            ])
    }

    private static let places = ["A", "hub", "C"]

    private func profile() -> Block? {
        guard let line = cases["profile"] else { return nil }
        let times = line["figures.microseconds"]
        let groups = WorkGroup.allCases.map(\.rawValue)
        func value(_ place: String, _ group: String) -> Double {
            if case .fields(let fields) = times[place] { return fields[group]?.number ?? 0 }
            return 0
        }
        let rows = (groups + ["all"]).map { group in
            let values = Self.places.map { value($0, group) }
            return [group] + (values + [values.reduce(0, +)]).map { shown($0) }
        }
        let bars = Self.places.map { place in (label: place, values: groups.map { value(place, $0) }) }
        return Block(
            lines: table(["µs an envelope of 4 KiB"] + Self.places + ["all"], rows)
                + picture("profile", "processor time by kind of work"),
            pictures: [("profile", Plot.parts("processor, µs an envelope of 4 KiB", bars, series: groups))])
    }

    private func links() -> Block? {
        guard let figures = cases["links"]?["figures"] else { return nil }
        func number(_ one: ReadFigure, _ name: String) -> String {
            if case .fields(let fields) = one { return shown(fields[name]?.number) }
            return ""
        }
        func rows(_ name: String, _ what: String, _ counts: [String]) -> [[String]] {
            figures[name].names.compactMap(Int.init).sorted().map { links in
                let one = figures[name][String(links)]
                return [String(links), number(one, "msPerBatch"), number(one, "microsecondsPerCopy")]
                    + counts.map { number(figures["counted"], "\(links) \(what), \($0)") }
            }
        }
        let (allocations, octets) = ("allocations a copy", "octets of envelope rows a copy")
        return Block(
            lines: table(
                ["links, two of them busy", "ms a batch", "µs a copy", allocations],
                rows("twoOfLinksBusy", "links", [allocations]))
                + [""]
                + table(
                    ["recipients of each document", "ms a batch", "µs a copy", allocations, octets],
                    rows("documentsForAll", "recipients", [allocations, octets])))
    }

    private func distance() -> Block? {
        guard let figures = cases["distance"]?["figures"] else { return nil }
        let rows = ["4 KiB", "1 MiB"].map { name in
            [name] + ["near", "far"].map { shown(figures[name][$0].number) }
        }
        return Block(lines: table(["documents a second", "without", "with the long link"], rows))
    }

    /// Of the daemons under load, and of the script, whose counts are exact.
    private func counts() -> Block? {
        var lines: [String] = []
        for (title, name, path) in [
            ("counted at the daemons under load", "profile", "counts"), ("counted in the script", "engine", "nodes"),
        ] {
            guard let found = cases[name]?["figures.\(path)"] else { continue }
            let wanted = CountLines.names + ["copiesPerPayloadByte"]
            let rows = wanted.map { what in [what] + Self.places.map { shown(found["\($0).\(what)"].number) } }
            if !lines.isEmpty { lines.append("") }
            lines += table(["an envelope, " + title] + Self.places, rows)
        }
        if let instructions = cases["engine"]?["figures.instructionsPerEnvelope"].number {
            lines += ["", "Instructions of the script, three nodes: \(shown(instructions)) an envelope."]
        }
        return lines.isEmpty ? nil : Block(lines: lines)
    }
}
