// ByteBufferBIO: the memory transport between OpenSSL and NIO: a custom BIO_METHOD over two ByteBuffers. Inbound
// holds the buffer that came from the socket, without copying; outbound gathers all that OpenSSL writes until it is
// taken. (BIO_s_mem would be a second staging copy in each direction.) Used on the event loop of its connection only.
// Cannot fail: reads from an empty buffer ask for a retry, or report the end when the input has ended.

internal import COpenSSL
import NIOCore

/// The two buffers, and the BIO that lets OpenSSL reach them.
///
/// Ownership: the BIO keeps an unretained pointer to this object. The connection owns both the SSL (which owns the
/// BIO) and this object, and frees the SSL in its deinit, before its stored properties are released: the pointer
/// never dangles.
final class ByteBufferBIO {
    private var inbound: ByteBuffer
    private var outbound: ByteBuffer
    /// How many bytes OpenSSL took since `inboundTakenSinceMark` was last reset; bounds the plaintext to come.
    private(set) var inboundTaken = 0
    /// True when no more input will come: OpenSSL then sees the end of file instead of a retry.
    var inboundEnded = false

    init(allocator: ByteBufferAllocator) {
        inbound = allocator.buffer(capacity: 0)
        outbound = allocator.buffer(capacity: 0)
    }

    /// A new BIO on this object; the caller owns it and gives it to an SSL.
    func makeOwnedBIO() -> OpaquePointer? {
        guard let method = BIOMethod.shared.pointer, let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    /// Bytes that OpenSSL has not taken yet.
    var inboundBytes: Int { inbound.readableBytes }

    /// Bytes that wait to be sent.
    var outboundBytes: Int { outbound.readableBytes }

    /// Hands over bytes from the network; copies only when OpenSSL has left some of the last ones.
    func receive(_ buffer: ByteBuffer) {
        if inbound.readableBytes == 0 {
            inbound = buffer
        } else {
            var rest = buffer
            inbound.writeBuffer(&rest)
        }
    }

    /// Drops the storage of input that has been read, so that it is not kept alive by an idle connection.
    func releaseReadInput(_ allocator: ByteBufferAllocator) {
        if inbound.readableBytes == 0 { inbound = allocator.buffer(capacity: 0) }
    }

    func resetInboundTaken() { inboundTaken = 0 }

    /// Makes room for what is about to be written. The storage of the last output is used again if the channel has let
    /// go of it: `clear` on a shared buffer allocates, on an unshared one it does not.
    func prepareOutbound(capacity: Int) {
        guard outbound.readableBytes == 0 else {
            outbound.reserveCapacity(minimumWritableBytes: capacity)
            return
        }
        outbound.clear(minimumCapacity: capacity)
    }

    /// Takes what is to be sent, nil if nothing is.
    func takeOutbound() -> ByteBuffer? {
        guard outbound.readableBytes > 0 else { return nil }
        let taken = outbound
        outbound.moveReaderIndex(to: outbound.writerIndex)
        return taken
    }

    // MARK: Called by OpenSSL

    fileprivate enum ReadResult {
        case read(Int)
        case retry
        case end
    }

    fileprivate func read(into target: UnsafeMutableRawBufferPointer) -> ReadResult {
        let count = min(target.count, inbound.readableBytes)
        guard count > 0 else { return inboundEnded ? .end : .retry }
        inbound.readWithUnsafeReadableBytes { source in
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<count]))
            return count
        }
        inboundTaken += count
        return .read(count)
    }

    fileprivate func write(_ bytes: UnsafeRawBufferPointer) {
        // What was taken shares the storage; `clear` before writing keeps this from copying bytes already sent.
        if outbound.readableBytes == 0, outbound.writerIndex > 0 { outbound.clear(minimumCapacity: bytes.count) }
        outbound.writeBytes(bytes)
    }

    fileprivate var isAtEnd: Bool { inboundEnded && inbound.readableBytes == 0 }
}

@available(*, unavailable)
extension ByteBufferBIO: Sendable {}

// MARK: The method table

/// The BIO_METHOD. `@unchecked Sendable`: written once, before it is shared, and only read afterwards; never freed.
private struct BIOMethod: @unchecked Sendable {
    let pointer: OpaquePointer?

    static let shared = BIOMethod()

    private init() {
        let type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
        guard let method = BIO_meth_new(type, "ByteBuffer") else {
            pointer = nil
            return
        }
        BIO_meth_set_read_ex(method, byteBufferBIORead)
        BIO_meth_set_write_ex(method, byteBufferBIOWrite)
        BIO_meth_set_ctrl(method, byteBufferBIOControl)
        pointer = method
    }
}

private func transport(of bio: OpaquePointer?) -> ByteBufferBIO? {
    guard let bio, let data = BIO_get_data(bio) else { return nil }
    return Unmanaged<ByteBufferBIO>.fromOpaque(data).takeUnretainedValue()
}

private func byteBufferBIORead(
    _ bio: OpaquePointer?, _ target: UnsafeMutablePointer<CChar>?, _ count: Int, _ readCount: UnsafeMutablePointer<Int>?
) -> Int32 {
    readCount?.pointee = 0
    guard let bio, let target, count > 0, let transport = transport(of: bio) else { return 0 }
    COpenSSL_BIO_clear_retry_flags(bio)
    switch transport.read(into: UnsafeMutableRawBufferPointer(start: target, count: count)) {
    case .read(let taken):
        readCount?.pointee = taken
        return 1
    case .retry:
        COpenSSL_BIO_set_retry_read(bio)
        return 0
    case .end:
        return 0
    }
}

private func byteBufferBIOWrite(
    _ bio: OpaquePointer?, _ source: UnsafePointer<CChar>?, _ count: Int, _ writtenCount: UnsafeMutablePointer<Int>?
) -> Int32 {
    writtenCount?.pointee = 0
    guard let bio, let source, let transport = transport(of: bio) else { return 0 }
    COpenSSL_BIO_clear_retry_flags(bio)
    transport.write(UnsafeRawBufferPointer(start: source, count: count))
    writtenCount?.pointee = count
    return 1
}

private func byteBufferBIOControl(
    _ bio: OpaquePointer?, _ command: Int32, _ argument: CLong, _ pointer: UnsafeMutableRawPointer?
) -> CLong {
    switch command {
    case BIO_CTRL_FLUSH:
        1
    case BIO_CTRL_EOF:
        transport(of: bio)?.isAtEnd == true ? 1 : 0
    case BIO_CTRL_PENDING:
        transport(of: bio)?.inboundBytes ?? 0
    case BIO_CTRL_WPENDING:
        transport(of: bio)?.outboundBytes ?? 0
    default:
        0
    }
}
