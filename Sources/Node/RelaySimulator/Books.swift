// Books: what the world itself has written down: what agencies handed in and were told, what they found in their inboxes, and
// which offers the simulator turned down. The judges compare it with the stores. A value; it cannot fail.

import RelayCore
import RelayModel

/// One (envelope, recipient).
struct Pair: Hashable {
    var bundle: BundleID
    var recipient: String
}

/// A document for one of its recipients, whatever its name: no two that were handed in have the same content.
struct Content: Hashable {
    var digest: Digest
    var recipient: String
}

struct Books {
    /// Documents whose acceptance the agency was told, in that order.
    var accepted: [(bundle: BundleID, document: DocumentNote)] = []
    var documents: [BundleID: DocumentNote] = [:]
    /// Names under which it went on.
    var successors: [BundleID: [BundleID]] = [:]
    /// Digests of all that was ever handed in.
    var digests: Set<Digest> = []
    /// Where and under which number a pair was found in an inbox.
    var found: [Pair: (node: Int, number: UInt64)] = [:]
    /// Pairs that the agency has acknowledged, and was told so.
    var taken: Set<Pair> = []
    /// Ends that are no deliveries, seen in a store.
    var ends: Set<Ending> = []
    /// What operators have looked at, to do something about it.
    var choices: Set<Choice> = []
    /// Under which name an agency has found a content first; what agencies have found, by content; and what went with a state that nobody has any more.
    var firstNames: [Content: BundleID] = [:]
    var contents: Set<Content> = []
    var gone: Set<Content> = []
    /// Nodes whose links have refused what their engines would have taken, for good; and nodes whose wall clocks were stepped.
    var stubborn: Set<Int> = []
    var steppedClocks: Set<Int> = []
    /// Copies that a neighbour has given back which it had not, for all that its store knows.
    var givenBack: Set<BundleID> = []
    /// What a hoarder has sent, what of it is open, and how many names it has made.
    var hoarded: Set<BundleID> = []
    var hoards: [Hoard] = []
    var hoardedNames: UInt64 = 0
    /// Offers that the simulator refused in a node's name.
    var turnedDown: Set<Ticket> = []
}
