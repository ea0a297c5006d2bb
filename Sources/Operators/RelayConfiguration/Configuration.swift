// Configuration: both files of a node, loaded and judged together. Blocks on reading files; made at start and at
// reload, never on an event loop. Fails with all errors at once, `ConfigurationErrors`; nothing is half loaded.

import Glibc
import RelayModel
import RelayRouting
import Trap

/// What a node is told: its settings, the agencies and the routes.
public struct Configuration: Sendable {
    public var settings: NodeConfiguration
    /// The nodes of the network with their names, as agencies.yaml lists them.
    public var nodes: [NodeID: String]
    public var directory: Directory
    public var routes: RouteTable
    /// What the file says of the routes of other nodes.
    public var transit = TransitMap()

    public init(settings: NodeConfiguration, nodes: [NodeID: String], directory: Directory, routes: RouteTable) {
        self.settings = settings
        self.nodes = nodes
        self.directory = directory
        self.routes = routes
    }

    /// A file as it was read, for its digest.
    public struct Source: Sendable {
        public var path: String
        public var bytes: [UInt8]
    }

    /// The largest file that is read.
    public static let fileBytesMax = 256 << 20

    /// Reads edocd.yaml and the agencies file that it names.
    public static func load(
        path: String, credentials: CredentialUse = .needed
    ) throws(ConfigurationErrors) -> (configuration: Configuration, sources: [Source]) {
        var errors = ErrorList()
        guard let main = read(path, &errors) else { throw failure(errors) }
        let decoded = decode(main, file: path, folder: folder(of: path), credentials, &errors)
        guard let (settings, spools) = decoded else { throw failure(errors) }
        let agencies = read(settings.agenciesFile, &errors)
        let result = combine(settings, agencies ?? [], file: settings.agenciesFile, &errors)
        if agencies != nil { spools.check(result, file: path, &errors) }
        if let found = errors.result { throw found }
        var sources = [Source(path: path, bytes: main)]
        if let agencies { sources.append(Source(path: settings.agenciesFile, bytes: agencies)) }
        return (result, sources)
    }

    /// Where certificates and keys are, as far as a file says so that is wrong elsewhere: nil when it is wrong in just that, or wants
    /// none. So all that is wrong can be said at once.
    public static func certificates(path: String, credentials: CredentialUse = .needed) -> NodeConfiguration.TLS? {
        var errors = ErrorList()
        guard let main = read(path, &errors),
            let (settings, _) = decode(main, file: path, folder: folder(of: path), credentials, &errors),
            !settings.plainLoopback,
            !errors.errors.contains(where: { $0.keyPath == "tls" || $0.keyPath.hasPrefix("tls.") })
        else { return nil }
        return settings.tls
    }

    private static func folder(of path: String) -> String {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        return path.hasPrefix("/") && folder.isEmpty ? "/" : folder
    }

    /// Judges both texts without files; paths in the settings stay relative to `folder`.
    public static func parse(
        edocd: String, edocdFile: String = "edocd.yaml", agencies: String, agenciesFile: String = "agencies.yaml",
        folder: String = ""
    ) throws(ConfigurationErrors) -> Configuration {
        var errors = ErrorList()
        guard let (settings, spools) = decode(Array(edocd.utf8), file: edocdFile, folder: folder, .needed, &errors)
        else {
            throw failure(errors)
        }
        let result = combine(settings, Array(agencies.utf8), file: agenciesFile, &errors)
        spools.check(result, file: edocdFile, &errors)
        if let found = errors.result { throw found }
        return result
    }

    private static func failure(_ errors: ErrorList) -> ConfigurationErrors {
        guard let found = errors.result else { trap("A configuration fails without an error.") }
        return found
    }

    private static func decode(
        _ bytes: [UInt8], file: String, folder: String, _ credentials: CredentialUse, _ errors: inout ErrorList
    ) -> (NodeConfiguration, SpoolMarks)? {
        guard let text = checkedText(bytes, file, &errors) else { return nil }
        let before = errors.errors.count
        let node = YAMLText(file: file).parse(text, &errors)
        // Without a tree every required key would be missed as well.
        if node == nil, errors.errors.count > before { return nil }
        var decoder = ConfigurationDecoder(file: file, errors: errors)
        let root = decoder.section(node, .edocd, path: "")
        var reader = NodeConfigurationReader(
            file: file, folder: folder, credentials: credentials, errors: decoder.errors)
        let result = reader.read(root)
        errors = reader.errors
        return result.map { ($0, SpoolMarks(root)) }
    }

    private static func combine(
        _ settings: NodeConfiguration, _ agencies: [UInt8], file: String, _ errors: inout ErrorList
    ) -> Configuration {
        var reader = AgenciesFile(file: file, own: settings.node, peers: settings.peers)
        if checkedText(agencies, file, &errors) != nil { reader.read(agencies, &errors) }
        var configuration = Configuration(
            settings: settings, nodes: reader.nodes, directory: reader.directory, routes: reader.routes)
        configuration.transit = reader.transit
        return configuration
    }

    private static func checkedText(_ bytes: [UInt8], _ file: String, _ errors: inout ErrorList) -> String? {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        errors.add(.notYAML, file, nil, "", expected: "UTF-8", found: "bytes that are not")
        return nil
    }

    private static func read(_ path: String, _ errors: inout ErrorList) -> [UInt8]? {
        func refuse(_ found: String) -> [UInt8]? {
            errors.add(.unreadableFile, path, nil, "", expected: "a readable file", found: found)
            return nil
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return refuse(String(cString: strerror(errno))) }
        defer { _ = close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                return refuse(String(cString: strerror(errno)))
            }
            if count == 0 { return bytes }
            guard bytes.count + count <= fileBytesMax else { return refuse("more than \(fileBytesMax) bytes") }
            bytes.append(contentsOf: buffer[..<count])
        }
    }
}
