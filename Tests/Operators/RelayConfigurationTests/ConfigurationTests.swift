// edocd.yaml: the defaults, the shipped files, and one test for every kind of error with its place.

import Glibc
import RelayModel
import RelayRouting
import Testing

@testable import RelayConfiguration

/// A small network in which this node is `truc`.
enum Texts {
    static let edocd = """
        node:
          name: truc
        peers:
          vpcp: {}
          hcm:
            address: 10.0.0.1:4556
            dial: yes
        """
    static let agencies = """
        nodes: {vpcp: A, truc: B, hcm: C}
        agencies:
          G22:
            name: Văn phòng Chính phủ
            home: vpcp
            aliases: [000.00.00.G22]
          H29:
            name: UBND
            home: hcm
        routes:
          - {to: vpcp, via: [vpcp]}
          - {to: "*", via: [hcm, vpcp]}
        """
}

func load(_ edocd: String = Texts.edocd, agencies: String = Texts.agencies) throws -> Configuration {
    try Configuration.parse(edocd: edocd, agencies: agencies)
}

/// The errors of a load.
func errors(_ edocd: String = Texts.edocd, agencies: String = Texts.agencies) -> [ConfigurationError] {
    do throws(ConfigurationErrors) {
        _ = try Configuration.parse(edocd: edocd, agencies: agencies)
        return []
    } catch {
        return error.errors
    }
}

/// `line:column code key path` of each.
func places(_ edocd: String = Texts.edocd, agencies: String = Texts.agencies) -> [String] {
    errors(edocd, agencies: agencies).map { "\($0.line):\($0.column) \($0.code.rawValue) \($0.keyPath)" }
}

private func shipped(_ name: String) -> String {
    let parts = #filePath.split(separator: "/").dropLast(4)
    return "/" + parts.joined(separator: "/") + "/Config/" + name
}

@Suite struct ConfigurationTests {
    @Test func shippedFileIsThePrintedDefaults() throws {
        let bytes = try #require(contents(shipped("edocd.yaml")))
        #expect(String(decoding: bytes, as: UTF8.self) == ConfigurationDefaults.text())
    }

    @Test func printedDefaultsAreTheDefaults() throws {
        let printed = try load(ConfigurationDefaults.text(), agencies: "")
        let bare = try load("node: {name: \(ConfigurationDefaults.nodeName)}", agencies: "")
        #expect(printed.settings == bare.settings)
        #expect(printed.settings.listen == [HostPort(host: "::", port: 4556)])
        #expect(printed.settings.store.mapSize == 64 << 30)
        #expect(printed.settings.retry.refusalGrace == .hours(4))
        #expect(printed.settings.tls.crl == nil)
        #expect(printed.settings.plainLoopback == false)
    }

    @Test func everyPrintedExampleLineLoadsWhenUncommented() throws {
        // The commented rows under `peers`, `spool` and `control.rights`, made real.
        var lines: [String] = []
        for line in ConfigurationDefaults.text().split(separator: "\n") {
            let body = line.dropFirst()
            if line == "peers: {}" || line == "spool: {}" || line == "  rights: []" {
                lines.append(String(line).replacing(" {}", with: "").replacing(" []", with: ""))
            } else if line.hasPrefix("#"), body.hasPrefix("  ") {
                lines.append(
                    String(body).replacing("user: \"\"", with: "user: nobody")
                        .replacing("directory: \"\"", with: "directory: /srv/spool"))
            } else {
                lines.append(String(line))
            }
        }
        // A spool is for an agency that is at home here.
        let agencies = "nodes: {node-name: A}\nagencies:\n  name: {name: A, home: node-name}\n"
        let configuration = try load(lines.joined(separator: "\n"), agencies: agencies)
        #expect(configuration.settings.spools.map(\.directory) == ["/srv/spool"])
        #expect(configuration.settings.peers.count == 1)
        #expect(configuration.settings.peers.first?.node == NodeID(name: "name"))
        #expect(configuration.settings.peers.first?.rights == SendRights())
        #expect(configuration.settings.control.rights.first?.caller == .user("nobody"))
    }

    @Test(arguments: ["vpcp", "truc", "hcm", "hanoi"]) func exampleNetworkLoads(name: String) throws {
        let (configuration, sources) = try Configuration.load(path: shipped("example/\(name).yaml"))
        #expect(configuration.settings.node == NodeID(name: name))
        #expect(sources.count == 2)
        #expect(configuration.directory.count == 4)
        #expect(configuration.directory.canonical("000.00.00.G22")?.text == "G22")
        #expect(configuration.settings.store.directory == shipped("example/\(name)/store"))
        for code in configuration.directory.codes {
            let home = try #require(configuration.directory.home(of: code))
            if home == configuration.settings.node { continue }
            let match = try #require(configuration.routes.lookup(code, in: configuration.directory))
            #expect(match.route.via.map(\.name) == [name == "truc" ? home.name : "truc"])
        }
    }

    @Test func shippedAgenciesFileLoads() throws {
        let bytes = try #require(contents(shipped("agencies.yaml")))
        let settings = ConfigurationDefaults.text()
        #expect(try load(settings, agencies: String(decoding: bytes, as: UTF8.self)).directory.count == 0)
    }

    @Test func valuesAreRead() throws {
        let text = """
            node: {name: n}
            listen: []
            session: {keepalive: 0s, segment_size: 128KiB}
            quotas: {peer_bytes: 2GiB}
            control:
              rights:
                - {user: vanthu, verbs: [submit_as, inbox], agencies: [own, "H29.*"]}
                - {group: quantri, verbs: [see, act]}
            peers:
              a: {node: "ipn:7.0", edoc: no, fragments: no, segment_size: 4KiB, quotas: {bytes: 1MiB, envelopes: 5}}
              b: {may_send_from: {nodes: ["*"], agencies: [G22]}, may_send_to: [own, "H26.*"]}
            """
        let settings = try load(text, agencies: "").settings
        #expect(settings.listen.isEmpty)
        #expect(settings.session.keepalive == .zero)
        #expect(settings.control.rights.count == 2)
        #expect(settings.control.rights[0].verbs == [.submitAs, .inbox])
        #expect(settings.control.rights[0].agencies == [.own, .subtree(try #require(AgencyCode("H29")))])
        #expect(settings.control.rights[1].caller == .group("quantri"))
        let first = settings.peers[0]
        #expect(first.node == NodeID(ipn: 7))
        #expect(!first.edoc && !first.fragments)
        #expect(first.segmentSize == 4_096)
        #expect(first.quotaBytes == 1 << 20)
        #expect(first.quotaEnvelopes == 5)
        let other = settings.peers[1]
        #expect(other.segmentSize == 128 << 10)
        #expect(other.quotaBytes == 2 << 30)
        #expect(other.rights.fromNodes == [.any])
        #expect(other.rights.toAgencies.map(\.text) == ["own", "H26.*"])
    }

    @Test func quantitiesRoundTrip() {
        for text in ["1ms", "30s", "5m", "4h", "30d", "0s", "90s", "36h"] {
            let number = Quantity.parse(text, Quantity.durationUnits)
            #expect(
                number.map { Quantity.parse(Quantity.text($0, Quantity.durationUnits), Quantity.durationUnits) }
                    == number)
        }
        #expect(Quantity.parse("64KiB", Quantity.sizeUnits) == 65_536)
        #expect(Quantity.text(2 << 30, Quantity.sizeUnits) == "2GiB")
        for bad in ["", "5", "m", "5 m", "-5m", "5M", "1.5h", "５m", "99999999999999999999s", "99999999999999999d"] {
            #expect(Quantity.parse(bad, Quantity.durationUnits) == nil)
        }
    }

    @Test func addressesAreParsed() {
        #expect(HostPort("[::]:4556") == HostPort(host: "::", port: 4556))
        #expect(HostPort("hub.gov.vn:0")?.description == "hub.gov.vn:0")
        for bad in ["", ":1", "::1", "a", "a:", "a:65536", "a:+1", "a:-1", "[a:1", "a b:1", "[]:1", "a/b:1"] {
            #expect(HostPort(bad) == nil, "\(bad)")
        }
        #expect(HostPort("127.0.0.1:1")?.isLoopback == true)
        #expect(HostPort("10.0.0.1:1")?.isLoopback == false)
    }
}

// Errors of edocd.yaml.
extension ConfigurationTests {
    @Test(arguments: [
        ("node:\n  name: n\n  nome: x", "3:3 unknown-key node.nome"),
        ("node:\n  name: n\nstor: {}", "3:1 unknown-key stor"),
        ("log: {level: info}", "1:1 missing-key node.name"),
        ("node: {name: \"a b\"}", "1:14 bad-value node.name"),
        ("node: {name: n}\nstore:\n  map_size: 64 gigs", "3:13 wrong-type store.map_size"),
        ("node: {name: n}\nstore:\n  map_size: \"64GiB\"", "3:13 wrong-type store.map_size"),
        ("node: {name: n}\nstore:\n  map_size: 1MiB", "3:13 out-of-range store.map_size"),
        ("node: {name: n}\nstore: [1]", "2:8 wrong-type store"),
        ("node: {name: n}\nstore:\n  map_size: [1]", "3:13 wrong-type store.map_size"),
        ("node: {name: n}\nstore:\n  map_size:", "3:12 wrong-type store.map_size"),
        ("node: {name: n}\nsession:\n  window_transfers: 0", "3:21 out-of-range session.window_transfers"),
        ("node: {name: n}\nsession:\n  keepalive: 1500ms", "3:14 bad-value session.keepalive"),
        ("node: {name: n}\nmetrics:\n  listen: 10.0.0.1:9456", "3:11 contradiction metrics.listen"),
        ("node: {name: n}\nplain_loopback: maybe", "2:17 wrong-type plain_loopback"),
        ("node: {name: n}\nplain_loopback: yes", "1:1 contradiction listen"),
        ("node: {name: n}\nlog: {level: inf}", "2:14 bad-value log.level"),
        ("node: {name: n}\nlisten: 127.0.0.1:1", "2:9 wrong-type listen"),
        ("node: {name: n}\nlisten:\n  - 127.0.0.1:1\n  - nowhere", "4:5 bad-value listen[2]"),
        ("node: {name: n}\nlisten: [\"a:1\", \"a:1\"]", "2:17 duplicate listen[2]"),
        ("node: {name: n}\nlog: {level: info}\nlog: {level: info}", "3:1 duplicate log"),
        ("node: {name: n}\nretry:\n  pause_min: 10m", "3:14 contradiction retry.pause_min"),
        ("node: {name: n}\nlimits: {lifetime_max: 1d}", "2:9 contradiction limits.lifetime_default"),
        ("node: {name: n}\nstore: {dedup_memory: 180d}", "2:23 contradiction store.dedup_memory"),
        ("node: {name: n}\npeers:\n  a: {dial: yes}", "3:13 contradiction peers.a.dial"),
        ("node: {name: n}\npeers:\n  n: {}", "3:3 contradiction peers.n"),
        ("node: {name: n}\npeers:\n  a: {}\n  b: {node: \"dtn://a/\"}", "4:3 duplicate peers.b"),
        ("node: {name: n}\npeers:\n  a b: {}", "3:3 bad-value peers.a b"),
        ("node: {name: n}\npeers:\n  a: {node: \"dtn://a/x\"}", "3:13 bad-value peers.a.node"),
        ("node: {name: n}\npeers:\n  a: {adress: \"a:1\"}", "3:7 unknown-key peers.a.adress"),
        ("node: {name: n}\npeers:\n  a: {may_send_to: [\"H29*\"]}", "3:21 bad-value peers.a.may_send_to[1]"),
        ("node: {name: n}\npeers: [a]", "2:8 wrong-type peers"),
        ("node: {name: n}\ncontrol:\n  rights:\n    - {verbs: [see]}", "4:7 contradiction control.rights[1]"),
        (
            "node: {name: n}\ncontrol:\n  rights:\n    - {user: u, verbs: [fly]}",
            "4:25 bad-value control.rights[1].verbs[1]"
        ),
        ("node: {name: n}\n\tlog: {}", "2:1 not-yaml "),
    ])
    func placesOneError(_ text: String, _ place: String) {
        #expect(places(text, agencies: "") == [place])
    }

    @Test func namesAllErrorsAtOnceInOrder() {
        let text = """
            node: {name: n}
            log: {level: loud}
            store:
              map_size: 5
              reserve_percent: 2
              reserve_percent: 3
              reserve_min: 1B
            log: {}
            peers:
              a: {dial: 7}
              a: {}
            """
        #expect(
            places(text, agencies: "routes: 5") == [
                "1:9 wrong-type routes", "2:14 bad-value log.level", "4:13 wrong-type store.map_size",
                "6:3 duplicate reserve_percent", "7:16 out-of-range store.reserve_min", "8:1 duplicate log",
                "10:13 wrong-type peers.a.dial", "11:3 duplicate a",
            ])
    }

    @Test func tellsWhatWasExpectedAndSuggests() throws {
        let unknown = try #require(errors("node: {name: n}\nsession: {segmnt_size: 1}", agencies: "").first)
        #expect(
            unknown.description == "edocd.yaml:2:11: session.segmnt_size: expected a known key, found \"segmnt_size\"; "
                + "did you mean segment_size?")
        let range = try #require(errors("node: {name: n}\nstore: {map_size: 1KiB}", agencies: "").first)
        #expect(
            range.description
                == "edocd.yaml:2:19: store.map_size: expected a size from 64MiB to 64TiB, found \"1KiB\"")
        let escape = try #require(errors("node: {name: \"a\\e[31m\\u202e\"}", agencies: "").first)
        #expect(escape.found == "\"a\\u{1b}[31m\\u{202e}\"")
    }

    @Test func unreadableFilesAreErrors() {
        #expect(throws: ConfigurationErrors.self) { try Configuration.load(path: "/nonexistent/edocd.yaml") }
    }

    @Test func referencesCannotGrowWithoutBound() {
        var text = "node: {name: n}\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let items = repeatElement("*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(items)]\n"
        }
        #expect(places(text, agencies: "") == ["0:0 not-yaml "])
    }
}

private func contents(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        if count == 0 { return bytes }
        bytes.append(contentsOf: buffer[..<count])
    }
}
