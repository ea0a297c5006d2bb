// BundleHeaderParser: finds and reads the header of one bundle in a stream of octets that come in any portions. A
// value that owns the octets of an unfinished header, at most its limit. Fails with a BundleError, again and again.
//
// It first only passes over the items to find where the payload begins, keeping the place it has reached and the
// number of octets without which it cannot go on, so that a peer which drips its octets costs no more time than one
// which does not. The header is then copied out once, exactly, and read as a whole: nothing keeps the receive buffer
// alive.

import NIOCore
import Trap

public struct BundleHeaderParser: Sendable {
    public enum Step: Sendable {
        /// All input was taken; more is needed.
        case needMore
        /// The header, and the number of octets it had; the next octet of the input is the payload's first.
        case header(BundleHeader, octets: Int)
    }

    private enum State: Sendable {
        case collecting
        case finished
        case failed(BundleError)
    }

    private let octetsMax: Int
    private var state = State.collecting
    private var held = ByteBuffer()
    /// Octets of the whole items passed so far.
    private var passed = 0
    private var blocksPassed = 0
    /// Octets without which the next item cannot be passed.
    private var wanted = 1

    public init(octetsMax: Int = BundleHeader.octetsMax) {
        self.octetsMax = octetsMax
    }

    /// Octets of an unfinished header.
    public var heldBytes: Int { held.readableBytes }

    /// Takes the next octets of the stream. Must not be called again after it has given a header.
    public mutating func parse(_ input: inout ByteBuffer) throws(BundleError) -> Step {
        switch state {
        case .collecting: break
        case .finished: trap("a BundleHeaderParser reads one header")
        case .failed(let error): throw error
        }
        do throws(BundleError) {
            guard let octets = try takeHeader(from: &input) else { return .needMore }
            let header = try BundleHeader(complete: octets)
            state = .finished
            held = ByteBuffer()
            return .header(header, octets: octets.readableBytes)
        } catch {
            state = .failed(error)
            held = ByteBuffer()
            throw error
        }
    }

    /// The octets of the header once all are there, in storage of their own.
    private mutating func takeHeader(from input: inout ByteBuffer) throws(BundleError) -> ByteBuffer? {
        if held.readableBytes == 0, let length = try headerLength(in: input) {
            defer { input.moveReaderIndex(forwardBy: length) }
            return Self.exactCopy(of: input, length)
        }
        let taken = min(input.readableBytes, octetsMax - held.readableBytes)
        if var portion = input.readSlice(length: taken) { held.writeBuffer(&portion) }
        guard let length = try headerLength(in: held) else {
            guard held.readableBytes < octetsMax else { throw tooLong }
            return nil
        }
        // What was taken too much goes back.
        input.moveReaderIndex(to: input.readerIndex - (held.readableBytes - length))
        return Self.exactCopy(of: held, length)
    }

    private static func exactCopy(of octets: ByteBuffer, _ length: Int) -> ByteBuffer {
        var copy = ByteBufferAllocator().buffer(capacity: length)
        if let header = octets.getSlice(at: octets.readerIndex, length: length) { copy.writeImmutableBuffer(header) }
        return copy
    }

    /// The number of octets before the payload, nil while the octets do not reach so far.
    private mutating func headerLength(in octets: ByteBuffer) throws(BundleError) -> Int? {
        guard octets.readableBytes >= wanted else { return nil }
        return try CBORReader.read(octets, octetsMax: octetsMax) { (reader) throws(BundleError) in
            do throws(BundleError) {
                try passHeader(&reader)
            } catch  where error.code == .truncated {
                wanted = reader.wanted
                return nil
            }
            guard reader.position <= octetsMax else { throw tooLong }
            return reader.position
        }
    }

    /// Passes over the blocks before the payload's octets, from where it was left.
    private mutating func passHeader(_ reader: inout CBORReader) throws(BundleError) {
        reader.seek(to: passed)
        if passed == 0 {
            try reader.readBundleStart()
            try reader.skipItem()
            passed = reader.position
        }
        while try !isAtPayload(&reader) {
            try reader.skipItem()
            passed = reader.position
            blocksPassed += 1
            guard blocksPassed <= BundleHeader.blocksMax else {
                throw reader.failure(.limitExceeded, "more than \(BundleHeader.blocksMax) extension blocks")
            }
        }
    }

    /// Passes over the head of the payload block if that comes next, else stays before the block.
    private func isAtPayload(_ reader: inout CBORReader) throws(BundleError) -> Bool {
        guard reader.position <= octetsMax else { throw tooLong }
        let start = reader.position
        // A break here ends the bundle before its payload.
        guard try reader.peek() != CBOR.break else {
            throw reader.failure(.noPayload, "the bundle has no payload block (RFC 9171, 4.1)")
        }
        let head = try BlockHead(from: &reader)
        guard head.type == .payload else {
            reader.seek(to: start)
            return false
        }
        _ = try PayloadHead(head, startedAt: start, from: &reader)
        return true
    }

    private var tooLong: BundleError {
        BundleError(.headerTooLong, at: octetsMax, "the octets before the payload exceed the limit of \(octetsMax)")
    }
}
