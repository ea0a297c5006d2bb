// StoreMarker: a file outside of the store that says that there was one. A disk that is not mounted, or a data file that is gone, looks
// like a node that never was: a daemon that begins anew then says that all is well, and every envelope is lost to it. So a store is
// made only when that is asked for: by `edocd --create-store`, or once by a file that the package leaves at its first installation. It
// fails with StoreFailure. A place that takes no marker is no failure.

import Glibc

public enum StoreMarker {
    /// Left by the package's first installation, and removed by the daemon that makes the store.
    static let permission = "create-store"

    /// `marks`: a folder for this, of the service manager; else the one that the store's directory is in. Where a disk is mounted on
    /// that directory, it is on another one.
    private static func place(_ directory: String, _ marks: String?) -> (folder: String, name: String) {
        var path = directory
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        let (folder, name) = CopyFile.split(path)
        return (marks ?? folder, name)
    }

    static func path(_ directory: String, _ marks: String?) -> String {
        let (folder, name) = place(directory, marks)
        return folder + "/." + name + "-was-made"
    }

    /// The folder for marks among those that the service manager names in STATE_DIRECTORY.
    public static func marks(_ stateDirectories: String?) -> String? {
        stateDirectories?.split(separator: ":").map(String.init).first { $0.hasSuffix("-marks") }
    }

    /// Refuses where there is no store and none is asked for.
    public static func judge(_ directory: String, marks: String?, mayCreate: Bool) throws(StoreFailure) {
        try StorePlace.refuseEmptyBesideLeftovers(directory)
        guard StorePlace.bytes(directory + "/" + StorePlace.data) == 0, !mayCreate else { return }
        let folder = place(directory, marks).folder
        if access(folder + "/" + permission, F_OK) == 0, access(path(directory, marks), F_OK) != 0 { return }
        let left = StorePlace.companions.filter { $0 != "lock.mdb" && access(directory + "/" + $0, F_OK) == 0 }
        if !left.isEmpty || access(path(directory, marks), F_OK) == 0 {
            throw StoreFailure(
                .refused,
                "There is no store in \(directory), and there was one. Is its disk mounted? Bring the store back, or a backup by edocctl "
                    + "restore; edocd --create-store begins with an empty one.")
        }
        throw StoreFailure(
            .refused, "There is no store in \(directory). edocd --create-store begins with an empty one.")
    }

    /// There is a store now.
    public static func note(_ directory: String, marks: String?) {
        unlink(place(directory, marks).folder + "/" + permission)
        let path = path(directory, marks)
        guard access(path, F_OK) != 0 else { return }
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        guard file >= 0 else { return }
        fsync(file)
        close(file)
        try? CopyFile.syncFolder(place(directory, marks).folder)
    }
}
