// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What came of a connection that waited for the authority; the label of `martlet_validation_admissions_total`.
enum ValidationAdmission: String, CaseIterable {
    case active, revoked
    /// The authority did not say, and the policy is to let in, or not to.
    case kept, refused
}
