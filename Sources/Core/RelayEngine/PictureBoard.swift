// PictureBoard: where operators' pages look at the decisions without asking the thread that decides. The engine's thread hangs up a new
// picture behind each durable batch, before any effect of it leaves, so that who has got an answer sees its consequences. Readers take
// what they need under a lock that is held for as long as that takes to copy.

import RelayCore
import Synchronization

public final class PictureBoard: Sendable {
    private struct Board {
        var picture: CorePicture
        var onLinks: [UInt64: [OnLink]]
    }
    private let board: Mutex<Board>
    private let arrived = Mutex<(@Sendable () -> Void)?>(nil)

    /// `whole`: with all that is on links.
    public init(_ whole: CorePicture) {
        board = Mutex(Self.board(whole))
    }

    private static func board(_ whole: CorePicture) -> Board {
        var picture = whole
        picture.onLinks = [:]
        return Board(picture: picture, onLinks: whole.onLinks)
    }

    public func publish(_ update: PictureUpdate) {
        // The old one is let go outside of the lock.
        var old: CorePicture?
        var isNews = false
        board.withLock { board in
            old = board.picture
            isNews = board.picture.arrivals != update.picture.arrivals
            board.picture = update.picture
            for (number, copies) in update.onLinks { board.onLinks[number] = copies.isEmpty ? nil : copies }
        }
        _ = old
        if isNews { arrived.withLock { $0 }?() }
    }

    /// `body` is called on the engine's thread behind each batch that has put documents into inboxes. It must be short.
    public func onArrivals(_ body: @escaping @Sendable () -> Void) { arrived.withLock { $0 = body } }

    /// The engine has been built anew.
    public func replace(_ whole: CorePicture) { board.withLock { $0 = Self.board(whole) } }

    /// The last picture, with what is on links of these envelopes; nil: of all that are.
    public func picture(of numbers: [UInt64]?) -> CorePicture {
        board.withLock { board in
            var picture = board.picture
            guard let numbers else {
                picture.onLinks = board.onLinks
                return picture
            }
            for number in numbers { picture.onLinks[number] = board.onLinks[number] }
            return picture
        }
    }
}
