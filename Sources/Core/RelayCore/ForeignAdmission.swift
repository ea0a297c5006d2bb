// ForeignAdmission: what is particular to bundles of other makes: sources that are nobody, payloads under security blocks that are not
// checked here. Judgements only; it changes nothing.

import RelayModel
import RelayRows

extension RelayCore {
    /// A bundle of nobody: whoever may send for anybody may send it. Its name says nothing, so its pieces cannot be told from others'.
    func refusalOfNobody(_ offer: Offer, _ peer: Peer) -> Judgement? {
        guard offer.document == nil, !offer.isAdministrative, peer.rights.fromNodes.contains(.any) else {
            return .refuse(.notAcceptable, why: "anonymous source", count: .notAuthorised)
        }
        guard offer.piece == nil else {
            return .refuse(.notAcceptable, why: "a piece of an anonymous bundle", count: .badCopy)
        }
        return nil
    }

    /// By name: what this node cannot check it does not hand over as good.
    static func refusalOfCover(_ cover: String) -> Judgement {
        .refuse(
            .notAcceptable, why: "its payload is under a \(cover) (RFC 9172), which is not checked here",
            count: .payloadCovered)
    }

    func isHome(_ name: String, _ offer: Offer) -> Bool {
        !offer.isAdministrative && AgencyCode(name).flatMap(configuration.directory.home(of:)) == node
    }
}
