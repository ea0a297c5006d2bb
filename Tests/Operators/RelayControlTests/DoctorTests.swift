// DoctorTests: what the doctor makes of what was found: certificates and their dates, clock, disk and room, ports, and files that the
// daemon may not use. Values in, findings out.

import ControlAPI
import Testing

@testable import edocctl

@Suite struct DoctorTests {
    private static let now = Timestamp(text: "2026-03-09T07:05:00Z")!
    private static let day: Int64 = 86_400_000

    private static func days(_ days: Int64) -> Timestamp {
        Timestamp(unixMilliseconds: now.unixMilliseconds + days * day)
    }

    /// A node that is in order and runs, looked at as its own user.
    private static func facts(_ change: (inout DoctorFacts) -> Void = { _ in }) -> DoctorFacts {
        var facts = DoctorFacts()
        facts.daemonUser = 990
        var answer = ExaminationAnswer(
            version: "0", now: now, configuration: "/etc/edoc/edocd.yaml",
            clock: .init(isSynchronised: true, estimatedErrorMicroseconds: 1, greatestErrorMicroseconds: 2_000))
        answer.user = 990
        answer.userName = "edoc"
        answer.node = .init(
            name: "truc", listen: ["[::]:4556"], plain: false, controlSocket: "/run/edocd/control.sock",
            submitSocket: nil, metrics: "127.0.0.1:9456", peers: [], unknownCallers: [])
        answer.certificates = .init(
            own: days(300), ownBegins: days(-10), fingerprint: "ab", authorities: days(3_000),
            revocationLists: days(5))
        answer.store = .init(
            directory: "/var/lib/edocd", filesystem: "ext4", isNetwork: false, isVolatile: false,
            freeBytes: 800 << 30, diskBytes: 1_000 << 30, mapBytes: 100 << 30, reserveBytes: 2 << 30,
            fileBytes: 1 << 30)
        answer.ports = [
            .init(key: "listen", address: "[::]:4556", problem: "Address already in use"),
            .init(key: "metrics.listen", address: "127.0.0.1:9456", problem: "Address already in use"),
        ]
        answer.files = [
            .init(what: "key", path: "/etc/edoc/tls/node.key", exists: true, mode: 0o640, uid: 0, gid: 990)
        ]
        facts.examination = answer
        facts.health = HealthAnswer(
            now: now, node: "truc", version: "0", engineMilliseconds: 1, mailbox: 0,
            disk: .init(freeBytes: 0, bytes: 0, mapBytes: 0),
            certificates: .init(own: days(300), authorities: nil, revocationLists: nil, peers: [:]),
            oldestSeconds: [:], configurationPath: "/etc/edoc/edocd.yaml")
        facts.health?.metricsAddress = "127.0.0.1:9456"
        facts.status = status(used: 1 << 30)
        facts.peers = PeersAnswer(now: now, peers: [])
        change(&facts)
        return facts
    }

    /// Of a map of 100 GiB.
    private static func status(used: UInt64) -> StatusAnswer {
        let free = (100 << 30) - used
        let reserve: UInt64 = 2 << 30
        return StatusAnswer(
            node: "truc", version: "0", now: now, started: now, uptimeSeconds: 1, listening: ["[::]:4556"], batches: 1,
            attention: [], memory: .init(rssAnon: 0, rssShmem: 0, rssFile: 0),
            store: .init(
                envelopes: 0, payloadBytes: 0, usedBytes: used, freeBytes: free, reserveBytes: reserve,
                acceptableBytes: free > reserve ? free - reserve : 0, fileBytes: used), inStore: [:],
            links: .init(up: 0, down: 0), active: 0, stagedBytes: 0, corruptRecords: 0, clockDoubted: false)
    }

    private static func wrong(_ change: (inout DoctorFacts) -> Void) -> [Finding] {
        Doctor.findings(facts(change)).filter { $0.grade != .fine }
    }

    /// The one thing that is wrong.
    private func only(_ change: (inout DoctorFacts) -> Void) throws -> Finding {
        let findings = Self.wrong(change)
        #expect(findings.count == 1, "\(findings)")
        let finding = try #require(findings.first)
        #expect(finding.remedy?.isEmpty == false)
        return finding
    }

    @Test func aNodeInOrder() {
        let findings = Doctor.findings(Self.facts())
        #expect(findings.allSatisfy { $0.grade == .fine }, "\(findings)")
        #expect(findings.contains { $0.area == "files" && $0.sentence == "all there, readable for edoc, guarded" })
    }

    @Test func certificatesByTheirDates() throws {
        func own(_ ends: Int64, begins: Int64 = -10) throws -> Finding {
            try only {
                $0.examination?.certificates?.own = Self.days(ends)
                $0.examination?.certificates?.ownBegins = Self.days(begins)
                $0.health?.certificates.own = Self.days(ends)
            }
        }
        #expect(try own(20) == own(20))
        var found = try own(20)
        #expect(found.grade == .advice && found.sentence == "this node's certificate ends in 20d")
        found = try own(3)
        #expect(found.grade == .fault && found.sentence == "this node's certificate ends in 3d")
        found = try own(-1)
        #expect(found.grade == .fault && found.sentence.hasPrefix("this node's certificate has ended, on 2026-03-0"))
        found = try own(300, begins: 2)
        #expect(
            found.grade == .fault && found.sentence.hasPrefix("this node's certificate is not valid before 2026-03"))
        found = try only { $0.examination?.certificates?.authorities = Self.days(10) }
        #expect(found.grade == .advice && found.sentence == "an authority's certificate ends in 10d")
        found = try only { $0.health?.certificates.peers = ["hcm": Self.days(2)] }
        #expect(found.grade == .fault && found.sentence == "the certificate of hcm ends in 2d")
        found = try only { $0.examination?.certificates?.revocationLists = Self.days(-1) }
        #expect(found.grade == .advice && found.sentence == "a revocation list is out of date")
        found = try only { $0.examination?.certificates?.isRevoked = true }
        #expect(found.grade == .fault && found.sentence.contains("revoked"))
        found = try only { $0.health?.certificates.own = Self.days(20) }
        #expect(found.grade == .advice && found.remedy == "edocctl reload")
        // What stands among the errors of the configuration is said once.
        found = try only {
            $0.examination?.certificates?.own = Self.days(-1)
            $0.health?.certificates.own = Self.days(-1)
            $0.examination?.errors = ["the certificate of file /etc/edoc/tls/node.pem has expired"]
        }
        #expect(found.area == "certificates" && found.grade == .fault)
    }

    @Test func theClock() throws {
        var found = try only { $0.health?.clockDoubted = true }
        #expect(found.area == "clock" && found.grade == .fault && found.sentence.contains("doubts the clock"))
        found = try only { $0.examination?.clock.isSynchronised = false }
        #expect(found.area == "clock" && found.grade == .advice)
        let unknown = Self.wrong { $0.examination?.clock.isSynchronised = nil }
        #expect(unknown.isEmpty, "what the kernel does not tell is no finding: \(unknown)")
    }

    @Test func diskAndRoom() throws {
        var found = try only {
            $0.examination?.store?.freeBytes = 2 << 30
            $0.examination?.store?.mapBytes = 2 << 30
        }
        #expect(
            found.area == "disk" && found.grade == .fault && found.sentence == "only 2 GiB free on the store's disk")
        found = try only { $0.examination?.store?.freeBytes = 50 << 30 }
        #expect(found.area == "disk" && found.grade == .advice && found.sentence.contains("may grow by"))
        found = try only { $0.status = Self.status(used: 85 << 30) }
        #expect(found.area == "store" && found.grade == .advice && found.sentence.hasPrefix("13 % of the store's room"))
        #expect(found.remedy?.contains("store.map_size") == true)
        found = try only { $0.status = Self.status(used: 95 << 30) }
        #expect(found.area == "store" && found.grade == .fault)
        found = try only { $0.status = Self.status(used: 99 << 30) }
        #expect(found.area == "disk" && found.grade == .fault && found.sentence.contains("full up to its reserve"))
        // The same of a store whose daemon does not run.
        let stopped = Self.wrong {
            $0.daemonError = .unreachable(socket: "s")
            $0.health = nil
            $0.status = nil
            $0.examination?.ports = []
            $0.stopped = Self.status(used: 95 << 30)
        }
        #expect(stopped.map(\.area) == ["daemon", "store"], "\(stopped)")
        found = try only { $0.examination?.store?.isNetwork = true }
        #expect(found.grade == .fault && found.sentence.contains("network file system"))
    }

    /// At a hub what is alike is one line, and a remedy stands once.
    @Test func aHundredNeighbours() {
        let now = Self.now
        let findings = Doctor.findings(
            Self.facts { facts in
                facts.examination?.node?.peers = (0..<100).map {
                    .init(name: "n\($0)", address: "h:\($0)", dials: $0 < 60)
                }
                facts.peers = PeersAnswer(
                    now: now,
                    peers: (0..<100).map { index in
                        var peer = PeersAnswer.Peer(
                            node: "n\(index)", state: index < 40 ? "up" : "down", dials: index < 60)
                        if index >= 97 { peer.lastError = "its certificate has expired" }
                        return peer
                    })
                for index in 40..<60 { facts.reachable["h:\(index)"] = "no route to host" }
            }
        ).filter { $0.area == "peers" }
        #expect(findings.count { $0.grade == .fine } == 1)
        #expect(findings.first?.sentence == "40 of 100 are connected, or take connections")
        let absent = findings.filter { $0.grade == .advice }
        #expect(
            absent.map(\.sentence) == [
                "37 that dial us are not connected: n60, n61, n62, n63, n64, n65, n66, n67, n68, n69, …"
            ])
        // Each that says why has its own line, and its remedy is said once for all.
        #expect(findings.count { $0.grade == .fault } == 23)
        let text = DoctorView.text(findings, columns: 200)
        #expect(text.ranges(of: "→").count == 2, "\(text)")
        #expect(text.split(separator: "\n").count <= 30)
    }

    @Test func portsOfADaemonThatDoesNotRun() throws {
        func ports(_ change: (inout DoctorFacts) -> Void) -> [Finding] {
            Doctor.findings(
                Self.facts {
                    $0.daemonError = .unreachable(socket: "s")
                    $0.health = nil
                    $0.status = nil
                    $0.peers = nil
                    change(&$0)
                }
            ).filter { $0.area == "ports" }
        }
        let taken = ports { $0.holders = ["[::]:4556": PortHolder(process: 77, name: "nginx")] }
        #expect(taken.map(\.grade) == [.fault, .advice])
        var found = try #require(taken.first)
        #expect(
            found.sentence == "listen [::]:4556 cannot be opened: Address already in use; nginx (process 77) has it")
        #expect(found.remedy?.contains("ss -ltnp 'sport = :4556'") == true)
        let held = ports { facts in
            for port in ["[::]:4556", "127.0.0.1:9456"] {
                facts.holders[port] = PortHolder(process: 1, name: "systemd")
            }
        }
        #expect(held.map(\.grade) == [.fine])
        let free = ports { facts in
            for index in [0, 1] { facts.examination?.ports[index].problem = nil }
        }
        #expect(free.map(\.sentence) == ["[::]:4556, 127.0.0.1:9456: free for the daemon"])
        let low = ports { facts in
            facts.examination?.ports = [.init(key: "listen", address: "[::]:80", problem: "Permission denied")]
        }
        found = try #require(low.first)
        #expect(found.remedy?.contains("1024") == true)
        // One that runs without its page of figures.
        let running = try only {
            $0.health?.metricsAddress = nil
            $0.holders["127.0.0.1:9456"] = PortHolder(process: 5, name: "node_exporter")
        }
        #expect(running.grade == .advice && running.sentence.contains("node_exporter (process 5)"))
    }

    @Test func filesOfTheDaemonsUser() throws {
        func file(_ what: String, _ path: String, _ change: (inout ExaminationAnswer.File) -> Void) throws -> Finding {
            var file = ExaminationAnswer.File(what: what, path: path, exists: true, mode: 0o600, uid: 0, gid: 0)
            change(&file)
            return try only { $0.examination?.files = [file] }
        }
        var found = try file("key", "/etc/edoc/tls/node.key") { $0.problem = "denied" }
        #expect(found.grade == .fault)
        #expect(found.sentence == "/etc/edoc/tls/node.key (key) may not be read by edoc, as whom the daemon runs")
        #expect(found.remedy?.contains("chmod 640 /etc/edoc/tls/node.key") == true)
        found = try file("ca", "/etc/edoc/tls/ca.pem") {
            $0.problem = "denied"
            $0.blockedAt = "/etc/edoc/tls"
        }
        #expect(found.grade == .fault && found.sentence.hasSuffix("it may not enter /etc/edoc/tls"))
        found = try file("store", "/var/lib/edocd") { $0.writable = false }
        #expect(found.grade == .fault && found.sentence.contains("cannot be written by edoc"))
        found = try file("store file", "/var/lib/edocd/data.mdb") {
            $0.problem = "denied"
            $0.writable = false
        }
        #expect(found.grade == .fault && found.sentence.contains("belongs to uid 0"))
        #expect(found.remedy == "chown -R edoc /var/lib/edocd")
        found = try file("sockets", "/srv/run") {
            $0.exists = false
            $0.problem = "absent"
            $0.writable = false
        }
        #expect(found.grade == .fault && found.remedy == "install -d -o edoc -m 750 /srv/run")
        found = try file("crl", "/etc/edoc/tls/crl.pem") {
            $0.exists = false
            $0.problem = "absent"
        }
        #expect(found.grade == .fault && found.sentence == "/etc/edoc/tls/crl.pem is not there (crl)")
        // What systemd makes before the daemon starts need not be there.
        let made = ExaminationAnswer.File(
            what: "store", path: "/var/lib/edocd", exists: false, mode: 0, uid: 0, gid: 0)
        let findings = Self.wrong {
            $0.examination?.files = [made]
            $0.examination?.files[0].problem = "absent"
            $0.examination?.files[0].writable = false
        }
        #expect(findings.isEmpty, "\(findings)")
    }

    /// Whoever is neither root nor the daemon cannot look, and that is no fault of the node.
    @Test func somebodyElseWhoLooks() throws {
        let found = try only {
            $0.examination?.user = 1_000
            $0.examination?.userName = "lan"
            $0.examination?.files = [
                .init(what: "key", path: "/etc/edoc/tls/node.key", exists: false, mode: 0, uid: 0, gid: 0)
            ]
            $0.examination?.files[0].problem = "denied"
            $0.examination?.errors = ["key file /etc/edoc/tls/node.key cannot be opened: Permission denied"]
        }
        #expect(found.grade == .advice && found.sentence.contains("cannot be looked at by lan"))
        #expect(found.remedy?.contains("as root") == true)
        let plain = Doctor.findings(Self.facts { $0.examination?.user = 1_000 })
        #expect(!plain.contains { $0.sentence.contains("guarded") })
    }

    @Test func aCredentialIsNoFault() {
        let note = "tls.key comes as the systemd credential node.key at start; it cannot be looked at from here"
        let findings = Doctor.findings(Self.facts { $0.examination?.notes = [note] })
        #expect(findings.allSatisfy { $0.grade == .fine } && findings.contains { $0.sentence == note })
    }

    @Test func unitsThatDoNotFit() throws {
        let shown = """
            User=edoc
            ExecMainStatus=78
            Id=edocd.service
            LoadState=loaded
            ActiveState=failed
            UnitFileState=enabled

            Listen=[::]:4557 (Stream)
            Id=edocd.socket
            LoadState=loaded
            ActiveState=inactive
            UnitFileState=enabled

            Listen=/run/edocd/control.sock (Stream)
            Listen=/run/edocd/submit.sock (Stream)
            Id=edocd-control.socket
            LoadState=loaded
            ActiveState=inactive
            UnitFileState=disabled
            """
        let units = ServiceUnits(shown: shown)
        #expect(units.user == "edoc" && units.exitStatus == "78" && units.activeState == "failed")
        #expect(units.sockets == [.init(unit: "edocd.socket", place: "[::]:4557")])
        let findings = Self.wrong {
            $0.daemonError = .unreachable(socket: "s")
            $0.health = nil
            $0.status = nil
            $0.examination?.ports = []
            $0.units = units
        }
        #expect(findings.count == 2, "\(findings)")
        #expect(findings.first?.sentence == "no daemon answers at s; systemd: failed, last exit code 78")
        #expect(findings.last?.sentence.hasPrefix("edocd.socket listens at [::]:4557, which") == true)
        let control = ServiceUnits(shown: shown.replacing("UnitFileState=disabled", with: "UnitFileState=enabled"))
        let node = try #require(Self.facts().examination?.node)
        #expect(control.misfits(node).map(\.place) == ["[::]:4557", "/run/edocd/submit.sock"])
        #expect(ServiceUnits(shown: "Id=edocd.service\nLoadState=not-found\nUser=\n").user == nil)
    }

    @Test func whoListensByTheTableOfTheKernel() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:24F0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
               1: 0100007F:24F0 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
            """
        #expect(PortHolder.sockets(listeningAt: 9_456, in: table) == ["4711"])
        #expect(PortHolder.sockets(listeningAt: 9_457, in: table).isEmpty)
    }
}
