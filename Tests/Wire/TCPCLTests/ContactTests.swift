// Making contact: contact headers, TLS, SESS_INIT, and all the ways in which it fails.

import NIOCore
import RelayModel
import Testing

@testable import TCPCL

private let peerInitialization = "07 001e 0000000000100000 0000000040000000 000c 64746e3a2f2f68616e6f692f 00000000"

@Suite("Contact")
struct ContactTests {
    private func passive(_ configuration: SessionConfiguration = .plain(.passive)) -> Endpoint {
        let endpoint = Endpoint(configuration)
        endpoint.start()
        return endpoint
    }

    @Test("Two machines establish a session, one octet at a time or all at once, with and without TLS")
    func establish() {
        for chunk in [1, 2, 7, Int.max] {
            for encrypted in [false, true] {
                let (active, passive) = establishedPair(
                    encrypted ? .encrypted(.active) : .plain(.active),
                    encrypted ? .encrypted(.passive) : .plain(.passive), chunk: chunk)
                let parameters = SessionParameters(
                    keepaliveSeconds: 30, peerSegmentMRU: 1 << 20, peerTransferMRU: 1 << 30, usesTLS: encrypted)
                #expect(active.log.last == .established(peerNodeID: "dtn://hub/", parameters))
                #expect(passive.log.last == .established(peerNodeID: "dtn://hanoi/", parameters))
                #expect(active.log.contains(.startTLS) == encrypted)
            }
        }
    }

    @Test("The passive side says nothing before the peer did, neither contact header nor SESS_INIT")
    func passiveWaits() {
        let endpoint = passive()
        #expect(endpoint.takeOutput().readableBytes == 0)
        endpoint.feed(octets("64746e2104"))
        #expect(endpoint.takeOutput().readableBytes == 0)
        endpoint.feed(octets("00"))
        #expect(hex(endpoint.takeOutput()) == "64746e210400")
        endpoint.feed(octets(peerInitialization))
        #expect(
            hex(endpoint.takeOutput())
                == hex(
                    octets(
                        "07 001e 0000000000100000 0000000040000000 000a 64746e3a2f2f6875622f 00000000")))
        #expect(endpoint.isOpen)
    }

    @Test("The smaller keepalive interval counts, and zero switches it off")
    func keepaliveNegotiation() {
        for (ours, theirs, negotiated) in [(30, 10, 10), (5, 60, 5), (0, 60, 0), (60, 0, 0)]
            as [(UInt16, UInt16, UInt16)]
        {
            let (active, _) = establishedPair(
                .plain(.active).with { $0.keepaliveSeconds = ours },
                .plain(.passive).with { $0.keepaliveSeconds = theirs })
            guard case .established(_, let parameters) = active.log.last else {
                Issue.record("not established")
                return
            }
            #expect(parameters.keepaliveSeconds == negotiated)
        }
    }

    @Test("Octets behind the contact header are left for the handshake and never taken for messages")
    func injection() {
        var machine = SessionMachine(.encrypted(.active))
        var effects = SessionEffects()
        machine.start(now: 0, &effects)
        var input = octets("64746e210401" + peerInitialization)
        machine.feed(&input, now: 0, &effects)
        #expect(effects.events == [.startTLS])
        #expect(hex(input) == hex(octets(peerInitialization)))
        machine.feed(&input, now: 0, &effects)
        #expect(effects.events == [.startTLS])
        #expect(input.readableBytes > 0)
    }

    @Test("TLS required and not offered: contact failure, after our own contact header")
    func peerWithoutTLS() {
        let endpoint = passive(.encrypted(.passive))
        endpoint.feed(octets("64746e210400"))
        #expect(hex(endpoint.takeOutput()) == "64746e210401" + "050004")
        #expect(endpoint.log == [.close(.contactFailed(.peerWithoutTLS))])

        let active = Endpoint(.encrypted(.active))
        active.start()
        active.feed(octets("64746e210400"))
        #expect(hex(active.takeOutput()) == "64746e210401" + "050004")
        #expect(active.log == [.close(.contactFailed(.peerWithoutTLS))])
    }

    @Test("Another version: the passive side answers its header and SESS_TERM, the active side closes")
    func version() {
        let endpoint = passive()
        endpoint.feed(octets("64746e210300"))
        #expect(hex(endpoint.takeOutput()) == "64746e210400" + "050002")
        #expect(endpoint.log == [.close(.contactFailed(.version(3)))])

        let active = Endpoint(.plain(.active))
        active.start()
        active.feed(octets("64746e210300"))
        #expect(hex(active.takeOutput()) == "64746e210400")
        #expect(active.log == [.close(.contactFailed(.version(3)))])
    }

    @Test("Something else than TCPCL is closed at its first wrong octet, without a word")
    func badMagic() {
        let endpoint = passive()
        endpoint.feed(octets("64746e20"))
        #expect(endpoint.takeOutput().readableBytes == 0)
        #expect(endpoint.log == [.close(.contactFailed(.malformed(.badMagic)))])
    }

    @Test(
        "SESS_INITs that fail contact",
        arguments: [
            (
                "07 012c 0000000000000400 0000000000002800 0005 68656c6c6f 0000000a 01 fffe 0005 6578746869",
                ContactFailure.criticalExtension(0xfffe)
            ),
            (
                "07 012c 0000000000000400 0000000000002800 0005 68656c6c6f 0000000a 01 fffe 0006 6578746869",
                .brokenExtensions
            ),
            ("07 012c 0000000000000001 0000000000002800 0000 00000000", .segmentMRUTooSmall(1)),
            ("07 012c 0000000000000400 0000000000002800 0500", .malformed(.nodeIDTooLong(0x500))),
        ])
    func badInitialization(hexText: String, failure: ContactFailure) {
        let endpoint = passive()
        endpoint.feed(octets("64746e210400" + hexText))
        #expect(hex(endpoint.takeOutput()) == "64746e210400" + "050004")
        #expect(endpoint.log == [.close(.contactFailed(failure))])
        #expect(!failure.description.isEmpty)
    }

    @Test("A session extension that is not critical is skipped; no node ID is told as empty")
    func tolerated() {
        let endpoint = passive()
        endpoint.feed(
            octets("64746e2104f0 07 0000 0000000000000000 0000000000000000 0000 0000000a 00 fffe 0005 6578746869"))
        guard case .established("", _) = endpoint.log.last else {
            Issue.record("not established")
            return
        }
        // A peer with MRU zero takes nothing.
        #expect(throws: TransferBeginError.beyondPeerMRU(0)) { try endpoint.machine.beginTransfer(totalLength: 1) }
    }

    @Test("SESS_TERM where SESS_INIT is expected is answered and ends it")
    func earlyTermination() {
        let endpoint = Endpoint(.plain(.active))
        endpoint.start()
        endpoint.feed(octets("64746e210400 050003"))
        #expect(hex(endpoint.takeOutput()).hasSuffix("050103"))
        #expect(endpoint.log == [.close(.terminated(.busy, byPeer: true))])
    }

    @Test("A segment before SESS_INIT is rejected and ends it; an unknown type is rejected and closed")
    func earlyMessages() {
        let endpoint = passive()
        endpoint.feed(octets("64746e210400 01 03 0000000000000000 00000000 0000000000000001 00"))
        #expect(hex(endpoint.takeOutput()) == "64746e210400" + "060301" + "050004")
        #expect(endpoint.log == [.close(.contactFailed(.unexpectedMessage(.segment)))])

        let other = passive()
        other.feed(octets("64746e210400 63"))
        #expect(hex(other.takeOutput()) == "64746e210400" + "060163")
        #expect(other.log == [.close(.contactFailed(.malformed(.typeUnknown(0x63))))])
    }

    @Test("The shell refuses the identity")
    func identityRefused() {
        let (active, passive) = establishedPair()
        passive.refuseContact()
        exchange(active, passive)
        #expect(passive.endings == [.close(.contactFailed(.identityRefused))])
        #expect(active.endings == [.close(.terminated(.contactFailure, byPeer: true))])
    }

    @Test("All steps of contact together have their time")
    func timeouts() {
        let endpoint = passive()
        #expect(endpoint.nextDeadline == 31_000)
        endpoint.pass(until: 30_999)
        #expect(endpoint.log.isEmpty)
        endpoint.feed(octets("64746e210400"))
        // All steps together have it.
        #expect(endpoint.nextDeadline == 31_000)
        _ = endpoint.takeOutput()
        endpoint.pass(until: 31_000)
        #expect(endpoint.log == [.close(.contactFailed(.timedOut))])
        #expect(hex(endpoint.takeOutput()) == "050004")
        #expect(endpoint.nextDeadline == nil)

        let silent = passive()
        silent.pass(until: 31_000)
        #expect(silent.takeOutput().readableBytes == 0)
        #expect(silent.log == [.close(.contactFailed(.timedOut))])
    }

    @Test("The connection ends before contact is made")
    func connectionEnded() {
        let endpoint = passive()
        endpoint.inputClosed()
        endpoint.inputClosed()
        #expect(endpoint.log == [.close(.contactFailed(.connectionEnded))])
    }
}
