// ProgramVersion: the version that edocctl says it has; the daemon's is `RelayVersion`, and a test compares them.

/// As `CHANGELOG.md` counts.
public enum ProgramVersion {
    public static let text = "0.2.0"
}
