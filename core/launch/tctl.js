#!/usr/bin/env node
import "../bundle/tctl.js";
