// WatchToolTests: check, doctor, report and wire against real nodes, in order and out of it.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct WatchToolTests {
    private static let payload = "NỘI DUNG MẬT của công văn"
    private static let document = "41-MAT/VPCP"

    /// Three nodes, and a document that has arrived.
    private func network() throws -> Network {
        let network = try Network()
        try network.edit("truc") { $0 += "# password: hunter2 of the old relay\n" }
        try network.start(["truc", "vpcp", "hcm"])
        try network.folder.write(Self.payload, to: "a.txt")
        try hand(network)
        return network
    }

    private func hand(_ network: Network) throws {
        let options = ["--sender", "G22", "--to", "H29", "--document", Self.document]
        let envelope = try network.submit("vpcp", network.folder["a.txt"], options).envelope
        #expect(try eventually { try network.inbox("hcm", "H29").contains { $0.envelope == envelope } })
    }

    @Test func checkClimbsTheLadder() throws {
        let network = try network()
        let good = try network.control(
            "truc", ["check", "running", "engine", "room", "certificates", "commit", "books"])
        #expect(good.end == .exited(0), "\(good.output)")
        #expect(good.output.hasPrefix("EDOC OK: truc, edocd "))
        let line = good.output.prefix { $0 != "\n" }
        #expect(line.contains(" | ") && line.contains("commit=") && line.contains("room="))
        #expect(good.output.contains("[OK] books: "))
        // hanoi has never been there: a bound of a second is over.
        let bound = ["--link-down", "1s,1h"]
        #expect(
            try eventually(within: 20) {
                let result = try network.control("truc", ["check", "links"] + bound)
                return result.end == .exited(1) && result.output.hasPrefix("EDOC WARNING: hanoi down for ")
            })
        #expect(try network.control("truc", ["check", "links", "--link-down", "1s,1s"]).end == .exited(2))
        #expect(try network.control("hcm", ["check", "arrived", "--warn-arrived", "0s"]).end == .exited(1))
        let all = try network.control("vpcp", ["check", "--deep"])
        #expect(all.output.contains("[OK] commit: ") && all.output.contains("[OK] books: "), "\(all.output)")
        network.kill("truc")
        let gone = try network.control("truc", ["check"])
        #expect(gone.end == .exited(2) && gone.output.hasPrefix("EDOC CRITICAL: no daemon answers at "))
        // Read by a monitor that speaks the other language: the words it looks for stay.
        let vietnamese = try network.run(
            Places.edocctl, ["check", "engine", "--socket", network.folder["hcm/control.sock"]],
            environment: ["LC_ALL": "vi_VN.UTF-8"])
        #expect(vietnamese.output.hasPrefix("EDOC OK: trả lời trong "))
    }

    @Test func doctorFindsWhatIsWrong() throws {
        let network = try network()
        let well = try network.control("vpcp", ["doctor"])
        #expect(well.end == .exited(0), "\(well.output)")
        #expect(well.output.contains("[ ok ] peers: truc is connected"))
        #expect(well.output.contains("[ ok ] daemon: vpcp, edocd "))
        // The hub goes: its node says what to do about the address that it dials.
        network.kill("truc")
        #expect(
            try eventually {
                let result = try network.control("vpcp", ["doctor"])
                return result.end == .exited(1)
                    && result.output.contains("[ !! ] peers: truc at 127.0.0.1:\(network.port): ")
                    && result.output.contains("refused")
            })
        // Its own daemon is down: the files still tell.
        let down = try network.control("truc", ["doctor", "--config", network.folder["truc.yaml"]])
        #expect(down.end == .exited(1))
        #expect(down.output.contains("[ !! ] daemon: no daemon answers at "))
        #expect(down.output.contains("[ ok ] certificates: "))
        #expect(down.output.contains("     → "))
        // Wrong in the file, a key that others can read, one that is another's.
        try network.replace("truc", "peers:\n", "peerz:\n")
        let wrong = try network.control("truc", ["doctor", "--config", network.folder["truc.yaml"]])
        #expect(wrong.end == .exited(1) && wrong.output.contains("peerz"), "\(wrong.output)")
        try network.replace("truc", "peerz:\n", "peers:\n")
        chmod(network.folder["tls/truc.key"], 0o644)
        let exposed = try network.control("truc", ["doctor", "--config", network.folder["truc.yaml"]])
        #expect(exposed.output.contains("chmod 600"), "\(exposed.output)")
        chmod(network.folder["tls/truc.key"], 0o600)
        try network.replace("truc", "tls/truc.key", "tls/hcm.key")
        let other = try network.control("truc", ["doctor", "--config", network.folder["truc.yaml"], "--json"])
        #expect(other.output.contains("is not the key of certificate file"), "\(other.output)")
        let missing = try network.control("truc", ["doctor", "--config", network.folder["none.yaml"]])
        #expect(missing.end == .exited(1) && missing.output.contains("none.yaml"))
    }

    @Test func aReportWithoutSecrets() throws {
        let network = try network()
        // What operators have typed: a document of which nothing else is here, and why.
        func act(_ arguments: String...) throws {
            let preview: PreviewAnswer = try network.ask("vpcp", arguments)
            let job = try #require(preview.job)
            _ = try network.ask("vpcp", [arguments[0], "--apply", String(job.id)]) as JobAnswer
        }
        network.stop("truc")
        _ = try network.submit(
            "vpcp", network.folder["a.txt"], ["--sender", "G22", "--to", "H29", "--document", "7-KIN/VPCP"])
        try act("hold", "--document", "7-KIN/VPCP", "--reason", "vì việc riêng")
        try act("suspend", "--to", "H26", "--reason", "vì việc khác")
        try act("suspend", "--peer", "truc", "--reason", "vì việc khác")
        try network.start("truc")
        let path = network.folder["report.tar"]
        let made = try network.control("truc", ["report", "-o", path])
        #expect(made.end == .exited(0), "\(made.errors)")
        let list = try network.run("/usr/bin/env", ["tar", "-tf", path])
        #expect(list.end == .exited(0), "\(list.errors)")
        let names = list.output.split(separator: "\n").map(String.init)
        for name in [
            "manifest.txt", "status.json", "queue.json", "peers.json", "routes.json", "ledger.json", "health.json",
            "metrics.txt", "notices.json", "configuration.yaml", "examination.json", "system.txt",
        ] { #expect(names.contains("edoc-report-truc/\(name)"), "\(name)") }
        let unpacked = try network.run("/usr/bin/env", ["tar", "-xOf", path])
        #expect(unpacked.output.contains("edoc_build_info") && unpacked.output.contains("\"event\":\"started\""))
        #expect(unpacked.output.contains("  name: truc") && unpacked.output.contains("plain_loopback") == false)
        // On the nodes that hold the document, and on the hub that has passed it on.
        for node in ["truc", "vpcp", "hcm"] {
            let file = network.folder["\(node).tar"]
            #expect(try network.control(node, ["report", "-o", file]).end == .exited(0))
            let bytes = Data(try network.folder.bytes("\(node).tar"))
            let key = try String(contentsOfFile: network.folder["tls/\(node).key"], encoding: .utf8)
            let keyLine = key.split(separator: "\n")[1]
            for secret in [
                Self.payload, "MAT/VPCP", "KIN/VPCP", "việc riêng", "việc khác", "hunter2", "PRIVATE KEY",
                String(keyLine),
            ] {
                #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(node): \(secret)")
            }
        }
        let acted = try network.run("/usr/bin/env", ["tar", "-xOf", network.folder["vpcp.tar"]]).output
        #expect(acted.contains(#""selector":"--document (redacted)""#) && acted.contains("--to H26"), "\(acted)")
        #expect(acted.contains("operator log") && acted.contains("reason=(redacted) uid="), "\(acted)")
        #expect(try network.control("truc", ["report", "-o", path]).end == .exited(1), "an existing file stays")
        // With the daemon down there is less, and still a report.
        network.stop("truc")
        let late = try network.control(
            "truc", ["report", "-o", path, "--force", "--config", network.folder["truc.yaml"]])
        #expect(late.end == .exited(1) && late.output.contains("Not all is in it: health.json"), "\(late.output)")
        let rest = try network.run("/usr/bin/env", ["tar", "-xOf", path])
        #expect(rest.output.contains("status.json: no daemon answers") && rest.output.contains("\"filesystem\""))
    }

    @Test func wireShowsFramesAndNoPayload() throws {
        let network = try network()
        let socket = network.folder["truc/control.sock"]
        let watch = try Program(
            Places.edocctl, ["wire", "vpcp", "--json", "--socket", socket], output: network.folder["wire"],
            errors: network.folder["wire.err"])
        func lines() -> [WireLine] {
            network.folder.text("wire").split(separator: "\n").compactMap {
                try? ControlJSON.answer(WireLine.self, from: Array($0.utf8))
            }
        }
        #expect(try eventually { lines().contains { $0.message == "WATCH" } }, "\(network.folder.text("wire.err"))")
        try hand(network)
        // In: the segment and its bundle's header; out: the acknowledgement, and a report for the submitter.
        #expect(
            try eventually {
                let lines = lines()
                return lines.contains {
                    $0.message == "XFER_SEGMENT" && $0.way == "in" && $0.flags == ["START", "END"]
                }
                    && lines.contains { $0.message == "XFER_ACK" && $0.way == "out" && $0.flags == ["START", "END"] }
                    && lines.contains { $0.message == "BUNDLE" && $0.way == "out" && $0.bundle?.administrative == true }
            }, "\(network.folder.text("wire"))")
        let bundle = try #require(lines().first { $0.message == "BUNDLE" && $0.way == "in" }?.bundle)
        #expect(bundle.destination == "dtn://H29/edoc" && bundle.payloadLength == UInt64(Self.payload.utf8.count))
        #expect(bundle.blocks.contains { $0.type == 240 && $0.name == "document" })
        // A session that begins while it is watched is seen from its first octet that the peer is known by.
        network.kill("vpcp")
        try network.start("vpcp")
        #expect(
            try eventually { lines().contains { $0.message == "KEEPALIVE" || $0.session != lines().last?.session } })
        watch.send(SIGKILL)
        watch.wait()
        let text = network.folder.text("wire")
        for secret in [Self.payload, Self.document, "MAT/VPCP"] { #expect(!text.contains(secret)) }
        #expect(network.logText("truc").contains("verb=wire"))
        // Nobody watches any more; the relay goes on.
        try hand(network)
        #expect(try network.control("truc", ["wire", "nobody"]).end == .exited(1))
        try network.expectBooksBalance(["truc", "vpcp", "hcm"])
    }
}
