// Examination: what can be found out about a node without running it, for `edocctl doctor`: the configuration as the daemon would read it,
// its files, certificates, disk, ports and clock, all as the user who asks. Reads only; opens no store, and no socket for longer than it
// takes to bind it. What is wrong is among the facts.

import CLinux
import ControlAPI
import Glibc
import OpenSSLTLS
import RelayConfiguration
import RelayModel

public enum Examination {
    public static func of(path: String) -> ExaminationAnswer {
        var answer = ExaminationAnswer(
            version: ProgramVersion.text, now: now, configuration: path, clock: clock)
        answer.user = geteuid()
        answer.userName = Identity.name(of: answer.user)
        do throws(PreparationFailure) {
            let prepared = try PreparedNode(path: path, credentials: .lookedAt)
            answer.warnings = prepared.warnings
            answer.notes = prepared.notes
        } catch {
            answer.errors = error.sentences
        }
        guard let configuration = try? Configuration.load(path: path, credentials: .lookedAt).configuration else {
            answer.files = [FileLook.file("configuration", path)]
            return answer
        }
        let settings = configuration.settings
        answer.node = node(settings)
        answer.files = files(settings, path)
        answer.ports =
            settings.listen.map { BindTrial.port("listen", $0) }
            + (settings.metrics.map { [BindTrial.port("metrics.listen", $0)] } ?? [])
        if !settings.plainLoopback {
            let found = TLSExamination(TLSConfiguration(settings.tls), hasKey: false)
            let told: [TLSWarning.Kind] = [.ownCertificateRevoked, .ownCertificateNotYetValid]
            for warning in found.warnings where told.contains(warning.kind) {
                answer.warnings.removeAll { $0 == warning.sentence }
            }
            answer.certificates = found.ownCertificate.map { own -> ExaminationAnswer.Certificates in
                var certificates = ExaminationAnswer.Certificates(
                    own: timestamp(own.notAfter), ownBegins: timestamp(own.notBefore), fingerprint: own.fingerprint.hex,
                    authorities: found.trustDates.authorityExpiry.map(timestamp),
                    revocationLists: found.trustDates.revocationListUpdate.map(timestamp))
                certificates.isRevoked = found.warnings.contains { $0.kind == .ownCertificateRevoked }
                return certificates
            }
        }
        answer.store = store(settings)
        return answer
    }

    private static func node(_ settings: NodeConfiguration) -> ExaminationAnswer.Node {
        var unknown: [String] = []
        for right in settings.control.rights {
            switch right.caller {
            case .user(let name): if getpwnam(name) == nil { unknown.append("user \(name)") }
            case .group(let name): if getgrnam(name) == nil { unknown.append("group \(name)") }
            }
        }
        return .init(
            name: settings.node.name, listen: settings.listen.map(\.description), plain: settings.plainLoopback,
            controlSocket: settings.control.socket, submitSocket: settings.control.submitSocket,
            takeSocket: settings.control.takeSocket, metrics: settings.metrics?.description,
            peers: settings.peers.map {
                .init(name: $0.node.name, address: $0.address?.description, dials: $0.dial)
            }, unknownCallers: unknown)
    }

    private static func files(_ settings: NodeConfiguration, _ path: String) -> [ExaminationAnswer.File] {
        var list = [FileLook.file("configuration", path), FileLook.file("agencies", settings.agenciesFile)]
        if !settings.plainLoopback {
            list += [FileLook.file("ca", settings.tls.ca), FileLook.file("certificate", settings.tls.certificate)]
            if settings.tls.keyCredential == nil { list.append(FileLook.file("key", settings.tls.key)) }
            if let crl = settings.tls.crl { list.append(FileLook.file("crl", crl)) }
        }
        list.append(FileLook.folder("store", settings.store.directory))
        list += FileLook.unwritable("store file", in: settings.store.directory)
        let sockets = [settings.control.socket, settings.control.submitSocket, settings.control.takeSocket].compactMap {
            $0
        }
        for folder in Set(sockets.map(FileLook.parent)).sorted() { list.append(FileLook.folder("sockets", folder)) }
        // Where there is none, nobody need have made it: the first backup says what to do.
        if let directory = settings.backup.directory, access(directory, F_OK) == 0 {
            list.append(FileLook.folder("backups", directory))
        }
        return list
    }

    private static func store(_ settings: NodeConfiguration) -> ExaminationAnswer.Store {
        let directory = settings.store.directory
        // Before the first start the folder is missing, and its disk is that of the folder above.
        let existing = nearest(directory)
        let kind = Filesystem(magic: clinux_filesystem_magic(existing))
        var disk = statvfs()
        let isKnown = statvfs(existing, &disk) == 0
        let block = UInt64(disk.f_frsize)
        return .init(
            directory: directory, filesystem: kind.name, isNetwork: kind.isNetwork, isVolatile: kind.isVolatile,
            freeBytes: isKnown ? UInt64(disk.f_bavail).saturatingTimes(block) : 0,
            diskBytes: isKnown ? UInt64(disk.f_blocks).saturatingTimes(block) : 0, mapBytes: settings.store.mapSize,
            reserveBytes: max(
                settings.store.mapSize / 100 * settings.store.reservePercent, settings.store.reserveMin),
            fileBytes: FileSize.of(directory + "/data.mdb"))
    }

    private static func nearest(_ path: String) -> String {
        var path = path
        var status = stat()
        while path.count > 1, stat(path, &status) != 0 {
            guard let slash = path.lastIndex(of: "/") else { return "." }
            path = slash == path.startIndex ? "/" : String(path[..<slash])
        }
        return path
    }

    private static var clock: ExaminationAnswer.Clock {
        let state = clinux_clock_state()
        return .init(
            isSynchronised: state.is_synchronised < 0 ? nil : state.is_synchronised == 1,
            estimatedErrorMicroseconds: state.estimated_error, greatestErrorMicroseconds: state.greatest_error)
    }

    private static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(unixMilliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    private static func timestamp(_ unixSeconds: Int64) -> Timestamp {
        Timestamp(unixMilliseconds: unixSeconds.multipliedReportingOverflow(by: 1_000).partialValue)
    }
}

/// A kind of file system, by its magic number.
struct Filesystem {
    var name: String?
    var isNetwork = false
    var isVolatile = false

    init(magic: UInt64) {
        switch magic {
        case 0: name = nil
        case 0xef53: name = "ext4"
        case 0x5846_5342: name = "xfs"
        case 0x9123_683e: name = "btrfs"
        case 0x2fc1_2fc1: name = "zfs"
        case 0x794c_7630: name = "overlay"
        case 0x0102_1994, 0x8584_58f6:
            name = magic == 0x0102_1994 ? "tmpfs" : "ramfs"
            isVolatile = true
        case 0x6969: (name, isNetwork) = ("nfs", true)
        case 0x517b, 0xff53_4d42, 0xfe53_4d42: (name, isNetwork) = ("smb", true)
        case 0x0102_1997: (name, isNetwork) = ("9p", true)
        case 0x00c3_6400: (name, isNetwork) = ("ceph", true)
        case 0x6573_5546: (name, isNetwork) = ("fuse", true)
        case 0x5346_414f, 0x6b41_4653: (name, isNetwork) = ("afs", true)
        default: name = "0x" + String(magic, radix: 16)
        }
    }
}
