// IdentityTests: who may be at the other end.

import NIOCore
import RelayModel
import RelaySession
import TCPCL
import Testing

@testable import RelayCore

struct IdentityTests {
    private let judge = IdentityJudge([
        PeerIdentity(node: NodeID(name: "b")!), PeerIdentity(node: NodeID(name: "u")!, acceptsURI: true),
        PeerIdentity(node: NodeID(ipn: 7)),
    ])

    private func isAccepted(
        _ announced: String, _ certificate: CertificateNames?, dialled: String? = nil
    ) -> Bool {
        let node = dialled.flatMap { NodeID(name: $0) }
        if case .accepted = judge.judge(announced: announced, certificate: certificate, dialled: node) { return true }
        return false
    }

    @Test func names() {
        let b = CertificateNames(bundleEIDs: ["dtn://b/"])
        #expect(isAccepted("dtn://b/", b))
        #expect(isAccepted("dtn://b/", b, dialled: "b"))
        #expect(isAccepted("dtn://b/", nil))
        #expect(isAccepted("ipn:7.0", CertificateNames(bundleEIDs: ["ipn:7.0"])))
        #expect(!isAccepted("dtn://b/", b, dialled: "u"))
        #expect(!isAccepted("dtn://b", b))
        #expect(!isAccepted("", b))
        #expect(!isAccepted("dtn://c/", CertificateNames(bundleEIDs: ["dtn://c/"])))
        #expect(!isAccepted("dtn://u/", b))
    }

    /// RFC 9174, 4.4.1 and 4.4.4.3: of several names one has to match, and one that is no node ID is none.
    @Test func severalNames() {
        #expect(isAccepted("dtn://b/", CertificateNames(bundleEIDs: ["dtn://u/", "dtn://b/"])))
        #expect(isAccepted("dtn://b/", CertificateNames(bundleEIDs: ["dtn://b/", "dtn://b/"])))
        #expect(isAccepted("dtn://b/", CertificateNames(bundleEIDs: ["\\invalid", "dtn://b/mail", "", "dtn://b/"])))
        #expect(!isAccepted("dtn://b/", CertificateNames(bundleEIDs: ["dtn://b/mail"])))
        #expect(!isAccepted("dtn://b/", CertificateNames(bundleEIDs: ["dtn://u/", "dtn://c/"])))
        #expect(!isAccepted("dtn://c/", CertificateNames(bundleEIDs: ["dtn://b/", "dtn://c/"])), "not configured")
    }

    /// RFC 3986, 6.2.2.
    @Test func spellings() {
        for (announced, name) in [
            ("dtn://b/", "dtn://B/"), ("DTN://B/", "dtn://b/"), ("dtn://%62/", "dtn://b/"), ("dtn://b/", "dtn://%42/"),
        ] {
            #expect(isAccepted(announced, CertificateNames(bundleEIDs: [name])), "\(announced) \(name)")
        }
        #expect(isAccepted("IPN:7.0", CertificateNames(bundleEIDs: ["ipn:7.0"])))
        for other in ["dtn://bb/", "dtn://b%2F/", "dtn://b%", "dtn://b%zz/", "dtn://b%C3/", "dtn:b/"] {
            #expect(!isAccepted("dtn://b/", CertificateNames(bundleEIDs: [other])), "\(other)")
        }
    }

    @Test func uriNamesOnlyWhereConfigured() {
        let uri = { CertificateNames(bundleEIDs: [], uris: $0) }
        #expect(isAccepted("dtn://u/", uri(["dtn://u/"])))
        #expect(isAccepted("dtn://u/", uri(["https://u.example/", "dtn://u/"])))
        #expect(!isAccepted("dtn://b/", uri(["dtn://b/"])))
        #expect(!isAccepted("dtn://u/", uri(["dtn://b/"])))
        #expect(isAccepted("dtn://u/", uri(["dtn://u/", "dtn://b/"])))
        #expect(!isAccepted("dtn://u/", uri([])))
        // A bundleEID name goes first, and the URI does not help where it says otherwise.
        #expect(!isAccepted("dtn://u/", CertificateNames(bundleEIDs: ["dtn://b/"], uris: ["dtn://u/"])))
    }

    @Test func theWrongPeerIsSentAway() {
        let duet = Duet(judgeOfA: Duet.judge("b"), judgeOfB: Duet.judge("x"))
        duet.start()
        // Whoever it says it is hears of it at its entry in the list of peers.
        #expect(duet.b.log == ["contactRefused a: The peer announces dtn://a/, which is not configured here."])
        #expect(duet.b.closed == "The peer announces dtn://a/, which is not configured here.")
        // Its no stands right behind its SESS_INIT: for the dialling side this is a dial that failed.
        #expect(duet.a.log == ["dialFailed b: The peer ended the session (contact failure)."])
    }

    @Test func theWrongOneWasReached() {
        let duet = Duet(judgeOfA: Duet.judge("x", "y"))
        duet.start()
        #expect(duet.a.log == ["dialFailed b: The peer announces dtn://b/, which is not configured here."])
        #expect(duet.a.closed != nil)
    }

    @Test func withTLSTheCertificateDecides() {
        for (names, isGood) in [(["dtn://b/"], true), (["dtn://x/"], false), ([], false)] {
            let duet = Duet { $0.session.tls = .required }
            duet.start()
            #expect(duet.a.wantsTLS && duet.b.wantsTLS)
            duet.a.conversation.tlsEstablished(CertificateNames(bundleEIDs: names), now: duet.now, &duet.a.output)
            duet.b.conversation.tlsEstablished(
                CertificateNames(bundleEIDs: ["dtn://a/"]), now: duet.now, &duet.b.output)
            duet.a.collect(duet.now)
            duet.b.collect(duet.now)
            duet.run()
            #expect((duet.a.log.first == "established b") == isGood)
            #expect(duet.a.log.first?.hasPrefix("dialFailed") == !isGood)
            let stricter = Duet.judge("c")
            #expect((duet.a.judgement(by: stricter) != nil) == isGood)
        }
    }

    /// Who comes with a certificate that TLS refuses stands at the neighbours whose names it has, and at no others.
    @Test func aRefusedCertificateStandsAtItsPeer() {
        let duet = Duet(judgeOfB: Duet.judge("a", "c")) { $0.session.tls = .required }
        duet.start()
        let why = "the certificate of \"a\" does not lead to a trusted CA"
        let names = ["DTN://A/", "dtn://nobody/", "\\invalid", "dtn://a/", "dtn://c/"]
        duet.b.conversation.certificateRefused(claimed: names, why: why, &duet.b.output)
        duet.b.conversation.connectionEnded(clean: false, why: why, now: duet.now, &duet.b.output)
        duet.b.collect(duet.now)
        // At most four names are looked at.
        #expect(duet.b.log == ["contactRefused a: \(why)"])
        // Who dialled hears of it as of a dial that failed.
        duet.a.conversation.certificateRefused(claimed: ["dtn://b/"], why: why, &duet.a.output)
        duet.a.conversation.connectionEnded(clean: false, why: why, now: duet.now, &duet.a.output)
        duet.a.collect(duet.now)
        #expect(duet.a.log == ["dialFailed b: \(why)"])
    }

    @Test func theHandshakeFails() {
        let duet = Duet { $0.session.tls = .required }
        duet.start()
        duet.a.conversation.connectionEnded(
            clean: false, why: "the certificate has expired", now: duet.now, &duet.a.output)
        duet.a.collect(duet.now)
        #expect(duet.a.log == ["dialFailed b: the certificate has expired"])
        #expect(duet.a.closed == "the certificate has expired")
    }
}
