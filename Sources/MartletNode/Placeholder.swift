// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0
