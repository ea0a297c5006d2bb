// agencies.yaml: the directory, the routes with their precedence, the errors with their places, and a whole country
// of it.

import RelayModel
import RelayRouting
import Testing

@testable import RelayConfiguration

private func code(_ text: String) throws -> AgencyCode { try #require(AgencyCode(text)) }
private func node(_ text: String) throws -> NodeID { try #require(NodeID(name: text)) }

@Suite struct AgenciesTests {
    @Test func canonicalCodesComeFromTheTableOnly() throws {
        let directory = try load().directory
        #expect(directory.canonical("000.00.00.G22") == (try code("G22")))
        #expect(directory.canonical("G22") == (try code("G22")))
        #expect(directory.canonical("000.00.00.H29") == nil)
        #expect(directory.canonical("g22") == nil)
        #expect(directory.canonical("") == nil)
        #expect(directory.home(of: try code("H29")) == (try node("hcm")))
        #expect(directory.name(of: try code("G22")) == "Văn phòng Chính phủ")
        #expect(directory.codes(homeAt: try node("vpcp")) == [try code("G22")])
        #expect(directory.aliases(of: try code("G22")) == [try code("000.00.00.G22")])
    }

    @Test func precedenceIsAgencyThenLongestSubtreeThenHomeThenDefault() throws {
        let hops = try ["a", "b", "c", "d", "e"].map(node)
        let rows: [(RouteTarget, RouteMatch.Rule)] = [
            (.agency(try code("H29.15.02")), .exactAgency), (.subtree(try code("H29.15")), .subtree),
            (.subtree(try code("H29")), .subtree), (.node(try node("hcm")), .homeNode), (.anything, .fallback),
        ]
        let agency = try code("H29.15.02")
        let home = try node("hcm")
        for first in 0...rows.count {
            let routes = zip(rows, hops).dropFirst(first).map { Route(target: $0.0.0, via: [$0.1]) }
            // In any order of rows.
            for order in [routes, routes.reversed()] {
                let table = try #require(RouteTable(order))
                let match = table.explain(agency, home: home)
                #expect(match?.rule == (first < rows.count ? rows[first].1 : nil))
                #expect(match?.route.via == (first < rows.count ? [hops[first]] : nil))
                #expect(match?.passedOver.map(\.target) == (match == nil ? nil : rows.dropFirst(first + 1).map(\.0)))
                #expect(match?.passedOver.allSatisfy { !$0.reason.isEmpty } ?? true)
                var plain = match
                plain?.passedOver = []
                #expect(table.lookup(agency, home: home) == plain)
            }
        }
    }

    @Test func subtreesCoverTheirHeadAndNoNeighbour() throws {
        let table = try #require(RouteTable([Route(target: .subtree(try code("H29")), via: [try node("a")])]))
        #expect(table.lookup(try code("H29"), home: nil)?.rule == .subtree)
        #expect(table.lookup(try code("H29.1.2.3"), home: nil)?.rule == .subtree)
        #expect(table.lookup(try code("H291"), home: nil) == nil)
        #expect(table.lookup(try code("H2"), home: nil) == nil)
        #expect(table.lookup(try code("000.00.15.H29"), home: nil) == nil)
        #expect(
            AgencyPattern.subtree(try code("H29")).covers(try code("H291"), home: nil, node: try node("a")) == false)
        #expect(AgencyPattern.subtree(try code("H29")).covers(try code("H29.1"), home: nil, node: try node("a")))
    }

    @Test func rightsOfALeafAreItsOwn() throws {
        let rights = SendRights()
        let leaf = try node("hcm")
        #expect(rights.allowsSource(leaf, peer: leaf))
        #expect(!rights.allowsSource(try node("vpcp"), peer: leaf))
        #expect(rights.allowsSender(try code("H29"), home: leaf, peer: leaf))
        #expect(!rights.allowsSender(try code("G22"), home: try node("vpcp"), peer: leaf))
        #expect(!rights.allowsSender(try code("G99"), home: nil, peer: leaf))
        #expect(rights.allowsRecipient(try code("G22"), home: nil, peer: leaf))
    }

    @Test func nodesHaveRowsToo() throws {
        let routes = try load().routes
        #expect(routes.lookup(node: try node("vpcp"))?.rule == .node)
        #expect(routes.lookup(node: try node("far"))?.route.via.map(\.name) == ["hcm", "vpcp"])
    }

    @Test(arguments: [
        ("nodes: {a: A}\nagencies:\n  G22: {name: X, home: b}", "3:24 unknown-reference agencies.G22.home"),
        ("nodes: {a: A}\nagencies:\n  G22: {name: X}", "3:3 missing-key agencies.G22.home"),
        ("nodes: {a: A}\nagencies:\n  G22: {name: X, home: a, hom: a}", "3:27 unknown-key agencies.G22.hom"),
        ("nodes: {a: A}\nagencies:\n  G22: {name: [], home: a}", "3:15 wrong-type agencies.G22.name"),
        ("nodes: {a: A}\nagencies:\n  G22: {name: X, home: \"a b\"}", "3:24 bad-value agencies.G22.home"),
        ("nodes: {a: A}\nagencies:\n  G22: X", "3:8 wrong-type agencies.G22"),
        ("nodes: {a: A}\nagencies:\n  G 22: {name: X, home: a}", "3:3 bad-value agencies.G 22"),
        ("nodes: {a: A}\nagencies:\n  G1: {name: X, home: a}\n  G1: {name: X, home: a}", "4:3 duplicate G1"),
        (
            "nodes: {a: A}\nagencies:\n  G1: {name: X, home: a, aliases: [Z]}\n"
                + "  G2: {name: X, home: a, aliases: [Y, Z]}",
            "4:39 duplicate agencies.G2.aliases"
        ),
        (
            "nodes: {a: A}\nagencies:\n  G1: {name: X, home: a}\n  G2: {name: X, home: a, aliases: [G1]}",
            "4:36 duplicate agencies.G2.aliases"
        ),
        (
            "nodes: {a: A}\nagencies:\n  G1: {name: X, home: a, aliases: [G2]}\n  G2: {name: X, home: a}",
            "4:3 duplicate agencies.G2"
        ),
        (
            "nodes: {a: A}\nagencies:\n  G1: {name: X, home: a, aliases: [\"a b\"]}",
            "3:36 bad-value agencies.G1.aliases[1]"
        ),
        ("nodes: {a: A}\nagencies:\n  G1: {name: X, home: a, aliases: Z}", "3:35 wrong-type agencies.G1.aliases"),
        ("nodes: [a]", "1:8 wrong-type nodes"),
        ("nodes: {\"a b\": A}", "1:9 bad-value nodes.a b"),
        ("agency: {}", "1:1 unknown-key agency"),
        ("agencies: [x]", "1:11 wrong-type agencies"),
        ("agencies:\n  - x", "2:3 wrong-type agencies"),
        ("routes: {}", "1:9 wrong-type routes"),
        ("routes:\n  - {to: \"*\"}", "2:5 missing-key routes[1].via"),
        ("routes:\n  - {via: [hcm]}", "2:5 missing-key routes[1].to"),
        ("routes:\n  - {to: \"*\", via: []}", "2:20 bad-value routes[1].via"),
        ("routes:\n  - {to: \"*\", via: [hcn]}", "2:21 unknown-reference routes[1].via"),
        ("routes:\n  - {to: \"*\", via: [hcm, hcm]}", "2:26 duplicate routes[1].via"),
        ("routes:\n  - {to: \"*\", via: hcm}\n  - {to: \"*\", via: vpcp}", "3:10 duplicate routes[2].to"),
        ("routes:\n  - {to: G23, via: [hcm]}", "2:10 unknown-reference routes[1].to"),
        ("routes:\n  - {to: \"*\", via: [hcm], at: [nowhere]}", "2:32 unknown-reference routes[1].at"),
        ("routes:\n  - {to: [x], via: [hcm]}", "2:10 wrong-type routes[1].to"),
        ("routes:\n  - hcm", "2:5 wrong-type routes[1]"),
        (
            "nodes: {hcm: A}\nagencies:\n  G1: {name: X, home: hcm, aliases: [OLD]}\n"
                + "routes:\n  - {to: OLD, via: [hcm]}",
            "5:10 unknown-reference routes[1].to"
        ),
        (
            "nodes: {hcm: A}\nagencies:\n  hcm: {name: X, home: hcm}\nroutes:\n  - {to: hcm, via: [hcm]}",
            "5:10 contradiction routes[1].to"
        ),
        ("agencies:\n  G1: {name: X\nnodes: {}", "3:1 not-yaml "),
    ])
    func placesOneError(_ text: String, _ place: String) {
        #expect(places(agencies: text) == [place])
    }

    @Test func rowsForOtherNodesDoNotCountHere() throws {
        let text = """
            nodes: {truc: A, far: B}
            routes:
              - {to: "*", via: [elsewhere], at: [far]}
              - {to: "*", via: [hcm], at: [truc]}
            """
        #expect(try load(agencies: text).routes.rows.map { $0.via.map(\.name) } == [["hcm"]])
    }

    @Test func slicesKeepPlacesAndOrder() throws {
        // Sections before and after, comments, odd spacing, three slices and an error in each.
        var text = "# top\nnodes:\n  n: N\nagencies: # all\n\n"
        var wanted: [String] = []
        for index in 0..<1_300 {
            if index % 100 == 0 { text += "# at \(index)\n" }
            let isWrong = index == 3 || index == 600 || index == 1_299
            if isWrong {
                let line = text.split(separator: "\n", omittingEmptySubsequences: false).count
                wanted.append("\(line + 2):5 unknown-key agencies.A\(index).hone")
            }
            text += "  A\(index):\n    name: x\n    \(isWrong ? "hone: q\n    home" : "home"): n\n"
        }
        text += "routes:\n  - {to: A7, via: [hcm]}\n  - {to: B, via: [hcm]}\n"
        let last = text.split(separator: "\n").count + 1
        wanted.append("\(last):10 unknown-reference routes[2].to")
        #expect(places(agencies: text) == wanted)
        let good = text.replacing("hone: q\n    ", with: "").replacing("  - {to: B, via: [hcm]}\n", with: "")
        let directory = try load(agencies: good).directory
        #expect(directory.count == 1_300)
        #expect(Array(directory.codes.prefix(3)).map(\.text) == ["A0", "A1", "A2"])
    }

    @Test func duplicatesAcrossSlicesAreFound() {
        var text = "nodes: {n: N}\nagencies:\n"
        for index in 0..<600 { text += "  A\(index): {name: x, home: n}\n" }
        text += "  A0: {name: x, home: n}\n"
        #expect(places(agencies: text) == ["603:3 duplicate agencies.A0"])
    }

    @Test func everyTruncationEndsInErrorsOrAValue() {
        let bytes = Array(Texts.agencies.utf8)
        for count in 0..<bytes.count {
            let text = String(decoding: bytes[..<count], as: UTF8.self)
            _ = errors(agencies: text)
        }
        #expect(errors().isEmpty)
    }
}
