// PageTests: what is made of lines that the benchmark has printed: the page of figures, and the comparison of two builds.

import Testing

@testable import edoc_bench

@Suite struct PageTests {
    private static let line = """
        {"case":"single","pass":true,"targets":[{"what":"p50","target":"≤ 4 ms","measured":3.25,"pass":true}],\
        "figures":{"acceptedP50ms":1.5,"p50ms":3.25,"p90ms":4,"p99ms":12345.6,"maxms":9,\
        "nodes":{"vpcp":{"cpuMicrosecondsPerEnvelope":10},"truc":{"cpuMicrosecondsPerEnvelope":20},\
        "hcm":{"cpuMicrosecondsPerEnvelope":5}},"disk":{"sequentialMBs":800}},\
        "conditions":{"cpu":"a processor","loadAverageBefore":"1.5"}}
        """
    private func page(_ lines: String) -> FigurePage { FigurePage(JSONLines.read(lines), pictures: "figures") }

    @Test func aBlockIsMadeAnewAndTheWordsAroundAreKept() throws {
        let text = """
            # Figures

            Words.

            <!-- bench: single -->
            what was there
            <!-- /bench -->

            <!-- bench: backlog -->
            not measured in this run
            <!-- /bench -->

            <!-- slow-links -->

            ## Of another script

            """
        let made = try page("noise\n" + Self.line + "\n").page(text).text
        #expect(!made.contains("what was there"))
        #expect(made.contains("| 1.5 | 3.25 | 4 | 12,346 | 9 |"))
        #expect(made.contains("| 10 | 20 | 5 | 35 |"))
        #expect(made.contains("<!-- bench: backlog -->\nnot measured in this run\n<!-- /bench -->\n"))
        #expect(made.hasPrefix("# Figures\n\nWords.\n\n<!-- bench: single -->\n"))
        #expect(made.hasSuffix("<!-- slow-links -->\n\n## Of another script\n"))
        #expect(try page(Self.line).page(made).text == made)
    }

    @Test func linksStandByTheirNumber() throws {
        let line = """
            {"case":"links","pass":true,"targets":[],"figures":{"twoOfLinksBusy":{"125":{"msPerBatch":3.5,\
            "microsecondsPerCopy":20},"2":{"msPerBatch":0.5,"microsecondsPerCopy":10}},"documentsForAll":{"50":\
            {"msPerBatch":1,"microsecondsPerCopy":2}},"counted":{"125 links, allocations a copy":40,\
            "50 recipients, octets of envelope rows a copy":2667}}}
            """
        let made = try page(line).page("<!-- bench: links -->\n<!-- /bench -->\n").text
        #expect(made.contains("| 2 | 0.5 | 10 |  |\n| 125 | 3.5 | 20 | 40 |\n"))
        #expect(made.contains("| 50 | 1 | 2 |  | 2,667 |\n"))
    }

    @Test func aPageThatCannotBeMadeIsNot() {
        #expect(throws: BenchFailure.self) { try page(Self.line).page("<!-- bench: nothing -->\n<!-- /bench -->\n") }
        #expect(throws: BenchFailure.self) { try page(Self.line).page("<!-- bench: single -->\n") }
        #expect(throws: BenchFailure.self) { try page(Self.line).page("<!-- /bench -->\n") }
    }

    /// The marks of the page of this checkout are all known, and it says the same when it is made of nothing.
    @Test func thePageOfThisCheckoutCanBeMade() throws {
        let root = #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined()
        let text = SmallFile.text(root + "/docs/figures.md")
        #expect(text.contains("<!-- bench: peers -->") && text.contains("<!-- slow-links -->"))
        #expect(try page("").page(text).text == text)
    }

    @Test func theLastLineOfACaseCounts() throws {
        let text = "<!-- bench: targets -->\n<!-- /bench -->\n"
        let later = Self.line.replacing("\"measured\":3.25", with: "\"measured\":2.5")
        #expect(try page(Self.line + "\n" + later).page(text).text.contains("| single | p50 | ≤ 4 ms | 2.5 | yes |"))
        let failed = "{\"case\":\"single\",\"pass\":false,\"error\":\"no disk\"}"
        #expect(try page(Self.line + "\n" + failed).page(text).text.contains("| 3.25 |"))
    }

    @Test func roundsAreComparedOneByOne() throws {
        let before = try #require(JSONLines.read(Self.line).first)
        let numbers = Comparison.numbers(before)
        #expect(numbers["cpuMicrosecondsPerEnvelope, all nodes"] == 35)
        #expect(numbers["target: p50"] == 3.25)
        #expect(numbers.keys.allSatisfy { !$0.hasPrefix("disk") })
        let rows = Comparison.rows([
            (mine: ["rate": 10, "plan": 4, "mine": 1], theirs: ["rate": 5, "plan": 4]),
            (mine: ["rate": 100, "plan": 4], theirs: ["rate": 100, "plan": 4]),
            (mine: ["rate": 30, "plan": 4], theirs: ["rate": 10, "plan": 4]),
        ])
        #expect(rows.map(\.what) == ["rate"])
        #expect(rows.first?.mine == 30 && rows.first?.theirs == 10 && rows.first?.ratio == 2)
    }

    @Test func picturesAreTheSameEachTimeAndKeepTheirWords() {
        let one = Plot.bars("a < b", [("x & y", 1_234_567), ("z", 0)])
        #expect(one == Plot.bars("a < b", [("x & y", 1_234_567), ("z", 0)]))
        #expect(one.contains("a &lt; b") && one.contains("x &amp; y") && one.contains("1,234,567"))
        #expect(one.hasPrefix("<svg ") && one.hasSuffix("</svg>\n"))
    }
}

@Suite struct BrokerTests {
    @Test func framesAreLaidOutAsTheProtocolSays() {
        let ack = AMQPWriter.method(.ack) {
            $0.number(UInt64(258))
            $0.number(UInt8(1))
        }
        #expect(ack == [1, 0, 1, 0, 0, 0, 13, 0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 1, 2, 1, 0xCE])
        ack[7..<20].withUnsafeBytes { bytes in
            let frame = AMQPFrame(kind: .method, body: bytes)
            #expect(frame.method == .ack && frame.number(at: 4) == UInt64(258) && frame.flag(at: 12))
            #expect(frame.number(at: 12) as UInt32 == 0)
        }
    }

    @Test func aMessageThatComesAgainIsNotCountedTwice() throws {
        let taken = TakenTokens()
        for token: UInt64 in [0, 7, 9_000, 7] { taken.took(token) }
        #expect(try taken.count() == 3)
        #expect(taken.twice == 1)
        taken.beginAnew()
        taken.took(7)
        #expect(try taken.count() == 4)
    }
}
