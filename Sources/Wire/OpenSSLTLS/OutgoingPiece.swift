// OutgoingPiece: the buffer of ciphertext that a flush is filling. A flush up to 240 KiB makes one; a larger one makes
// several, so that their storage is used again and stays in the cache. A value inside one call of TLSHandler's flush.

import NIOCore

struct OutgoingPiece {
    private let connection: TLSConnection
    /// The plaintext in this piece so far.
    private var plaintextBytes = 0
    /// The promises of the writes that end in this piece.
    var promises: [EventLoopPromise<Void>] = []

    init(connection: TLSConnection) {
        self.connection = connection
    }

    var isFull: Bool { plaintextBytes >= TLSHandler.pieceBytesMax }

    /// Makes room for the next piece of `remaining` bytes of plaintext.
    mutating func prepare(forRemaining remaining: Int) {
        plaintextBytes = 0
        let plaintext = min(remaining, TLSHandler.pieceBytesMax)
        // Small and large writes may alternate: allow for some records that are not full.
        let records = plaintext / TLSHandler.recordBytesMax + 8
        connection.transport.prepareOutbound(capacity: plaintext + records * TLSHandler.recordOverhead)
    }

    /// Encrypts all of a small buffer and empties it.
    mutating func encrypt(_ buffer: inout ByteBuffer) throws(TLSError) {
        let count = buffer.readableBytes
        guard count > 0 else { return }
        try encrypt(buffer, count: count)
        buffer.clear()
    }

    /// Encrypts as much of a large buffer as this piece takes, in whole records if possible.
    mutating func encryptPart(of buffer: inout ByteBuffer) throws(TLSError) {
        var count = min(buffer.readableBytes, TLSHandler.pieceBytesMax - plaintextBytes)
        if count < buffer.readableBytes, count > TLSHandler.recordBytesMax {
            count -= count % TLSHandler.recordBytesMax
        }
        try encrypt(buffer, count: count)
        buffer.moveReaderIndex(forwardBy: count)
    }

    private mutating func encrypt(_ buffer: ByteBuffer, count: Int) throws(TLSError) {
        let result = buffer.withUnsafeReadableBytes { connection.write(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        switch result {
        case .complete: plaintextBytes += count
        case .incomplete: throw TLSError(.protocolViolation, "the session asks for a handshake while writing")
        case .failed(let error): throw error
        }
    }

    /// Writes the piece to the channel, without a flush.
    mutating func write(_ context: ChannelHandlerContext) {
        let promise = takePromise(context.eventLoop)
        guard let bytes = connection.transport.takeOutbound() else {
            promise?.succeed(())
            return
        }
        context.write(TLSHandler.wrapOutboundOut(bytes), promise: promise)
    }

    mutating func failPromises(_ error: TLSError) {
        for promise in promises { promise.fail(error) }
        promises = []
    }

    /// One promise for the channel that keeps all the writers'.
    private mutating func takePromise(_ eventLoop: any EventLoop) -> EventLoopPromise<Void>? {
        guard promises.count > 1 else { return promises.popLast() }
        let promise = eventLoop.makePromise(of: Void.self)
        let waiting = promises
        promise.futureResult.whenComplete { result in
            for promise in waiting { promise.completeWith(result) }
        }
        promises = []
        return promise
    }
}
