// ProgramVersion: the version of both programs.

/// As `CHANGELOG.md` counts.
public enum ProgramVersion {
    public static let text = "0.5.0"
}
